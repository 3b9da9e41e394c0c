"""Pictures from a MediaWiki on loopback: search, categories, continuation, lag, licences and authors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from tasks.acquire.common.http import CONTACT
from tasks.core.errors import LandloomError
from tests.acquire.mediawiki import Wiki
from tests.acquire.published import drawn, photographs
from tests.acquire.server import Server
from tests.acquire.stage import acquire, params

FAST = {"requests_per_second": 100.0, "retries": 2, "timeout_s": 5.0}


@pytest.fixture
def wiki(server: Server) -> Wiki:
    made = Wiki(server)
    for number, body in enumerate(photographs(5)):
        made.add(f"Peak {number}.jpg", "Peaks", body, ["cc-by-sa-4.0", "cc-by-2.0", "pd"][number % 3])
    return made


def fetch(root: Path, wiki: Wiki, **block: Any) -> pd.DataFrame:
    return acquire(root, params("commons", url=wiki.url, **FAST, **block))


def test_a_category_with_every_author_and_licence(tmp_path, wiki, monkeypatch):
    monkeypatch.setenv(CONTACT, "ops@example.org")
    wiki.add("Drawing.svg", "Peaks", drawn(9))
    wiki.files[6]["imageinfo"][0]["mime"] = "image/svg+xml"
    wiki.lag = 1
    ledger = fetch(tmp_path, wiki, categories=["Peaks"], width=500)
    good = ledger[ledger["refused"].isna()]
    assert len(good) == 5 and "image/svg+xml, no picture" in ledger["refused"].dropna().iloc[0]
    assert good["partition"].value_counts().to_dict() == {"share_alike": 2, "open": 3}
    row = good.loc["commons-1-Peak-0-" + good.index[0].rsplit("-", 1)[-1]]
    assert row["licence"] == "CC BY-SA 4.0"
    for words in ("Ansel of P, “Peak 0.jpg”, CC BY-SA 4.0", "licenses/by-sa/4.0", "/wiki/File:Peak_0.jpg"):
        assert words in row["attribution"]
    assert json.loads(row["facts"]) == {"title": "Peak 0", "date": "1911-07-02"}
    assert all(query["maxlag"] == "5" and query["format"] == "json" for query in wiki.queries)
    assert wiki.server.seen[1][0] - wiki.server.seen[0][0] >= 0.9, "the wait that the lagging wiki asks for"
    assert all("(ops@example.org)" in seen[3]["User-Agent"] for seen in wiki.server.seen)
    assert wiki.queries[-1]["iiurlwidth"] == "500" and "iicontinue" in wiki.queries[2]


def test_a_search_keeps_its_order_and_its_limit(tmp_path, wiki):
    ledger = fetch(tmp_path, wiki, search="mountain -rain", limit=4, partitions=["open"])
    assert wiki.queries[0]["gsrsearch"] == "filetype:bitmap mountain -rain"
    assert [key.split("-")[1] for key in ledger.index] == ["1", "2", "3", "4"]
    assert ledger["refused"].notna().tolist() == [True, False, False, True], "share-alike pictures are not fetched"
    assert wiki.server.count("/full/Peak_0.jpg") == 0


def test_subcategories_are_followed_as_far_as_told(tmp_path, wiki):
    wiki.add("Low.jpg", "Hills", drawn(1))
    wiki.add("Lower.jpg", "Mounds", drawn(2))
    wiki.below = {"Peaks": ["Hills"], "Hills": ["Mounds", "Peaks"]}  # and back: a circle
    assert len(fetch(tmp_path, wiki, categories=["Category:Peaks"])) == 5
    assert len(fetch(tmp_path, wiki, categories=["Peaks"], subcategories=1)) == 6
    assert len(fetch(tmp_path, wiki, categories=["Peaks"], subcategories=5)) == 7


def test_fields_that_hide_or_miss_something(tmp_path, wiki):
    hidden = '<div>2 July 1911<div style="display: none;">date QS:P571,+1911</div></div>'
    number = wiki.add("Odd.jpg", "Odd", drawn(3), DateTimeOriginal=hidden, Artist=None, Credit="<i>The Alpine Club</i>")
    wiki.files[number]["imageinfo"][0]["extmetadata"].pop("LicenseShortName")
    row = fetch(tmp_path, wiki, categories=["Odd"]).iloc[0]
    assert json.loads(row["facts"])["date"] == "2 July 1911"
    assert row["attribution"].startswith("The Alpine Club, “Odd.jpg”, CC BY-SA 4.0,")


def test_what_cannot_be_asked(tmp_path, wiki, monkeypatch):
    monkeypatch.delenv(CONTACT, raising=False)
    with pytest.raises(LandloomError, match="wants a contact: set LANDLOOM_CONTACT"):
        acquire(tmp_path, params("commons", search="x"))
    with pytest.raises(ValidationError, match="search or categories"):
        params("commons")
    wiki.lag = 99
    with pytest.raises(LandloomError, match=r"asks to wait \(maxlag: Waiting for db1"):
        acquire(tmp_path, params("commons", url=wiki.url, search="x", **{**FAST, "retries": 0}))
    wiki.server.routes["/w/api.php"] = lambda handler: handler.json({"error": {"code": "badtoken", "info": "No."}})
    with pytest.raises(LandloomError, match="badtoken: No."):
        fetch(tmp_path, wiki, search="x")
