"""The stage with prose and with names of places: the table, the figures, the estimate, and what a fresh clone pays."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import yaml
from dvc.repo import Repo

from tasks.caption.estimate import told
from tasks.caption.prose.store import Store
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tasks.formats.tables.captions import read_captions
from tests.acquire.server import serving
from tests.caption.api import PRICES, Api
from tests.caption.prose import KEY
from tests.caption.small import FACTS, caption, grow
from tests.caption.test_place import Nominatim, polygons

PROSE = {"name": "prose", **FACTS}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("LANDLOOM_STATE", raising=False)


@pytest.fixture
def api():
    with Api() as running:
        yield running


def method(api, **values):
    given = {"model": "eye", "base_url": api.url, "usd_per_million": PRICES, "cap_usd": 5.0, "picture_px": 64}
    return {**PROSE, "api": given | values}


def test_the_table_says_who_wrote_each_text(tmp_path, api):
    data = grow(tmp_path)
    stage = caption(tmp_path, method=method(api))
    table = read_captions(data / "captions.parquet")
    assert len(table) == 10 and table["text"].notna().all() and (table["method"] == "prose").all()
    assert set(table["text_from"]) == {"model"} and set(table["model"]) == {"eye-1"}
    assert table["request"].str.fullmatch("[0-9a-f]{32}").all() and table["answers"].map(json.loads).map(len).all()
    assert stage.figures["texts_by_model"] == 10 and stage.figures["cost_usd"] == pytest.approx(api.charged, abs=1e-6)
    assert json.loads(table.loc["measured/00000_00000", "facts"])["aspect"] == "east", "facts are there as before"
    planet = table.loc["planet/00000_00000", "text"]
    assert "procedurally generated" in planet


def test_the_second_run_asks_nothing_and_gives_the_same_bytes(tmp_path, api):
    data = grow(tmp_path)
    caption(tmp_path, method=method(api))
    first, asked = (data / "captions.parquet").read_bytes(), api.requests
    caption(tmp_path, method=method(api))
    assert (data / "captions.parquet").read_bytes() == first and api.requests == asked
    caption(tmp_path, method=method(api) | {"drop_share": 0.9})
    assert api.requests == asked, "templates and facts may change, and no answer is paid for again"


def test_a_missing_key_shows_before_the_work(tmp_path, api, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    grow(tmp_path)
    shutil.rmtree(tmp_path / "data/terrain/scenes")  # the work would fail here
    with pytest.raises(LandloomError, match="OPENAI_API_KEY is not set"):
        caption(tmp_path, method=method(api))


def test_a_run_that_needs_no_answer_needs_no_key(tmp_path, api, monkeypatch):
    data = grow(tmp_path)
    caption(tmp_path, method=method(api))
    table = (data / "captions.parquet").read_bytes()
    monkeypatch.delenv("OPENAI_API_KEY")
    caption(tmp_path, method=method(api))
    assert (data / "captions.parquet").read_bytes() == table


def test_the_key_is_in_no_file(tmp_path, api):
    grow(tmp_path)
    caption(tmp_path, method=method(api))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "answers.sqlite" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_fresh_clone_takes_the_answers_from_the_last_table_of_dvc(tmp_path, api):
    data = grow(tmp_path)
    caption(tmp_path, method=method(api))
    asked, table = api.requests, (data / "captions.parquet").read_bytes()
    _as_on_another_machine(tmp_path)
    caption(tmp_path, method=method(api))
    assert api.requests == asked and (data / "captions.parquet").read_bytes() == table


def _as_on_another_machine(root):
    """DVC knows the table and has removed it, as it does before a stage runs; nothing else of the run is left."""
    table = root / "data" / "terrain" / "captions.parquet"
    (root / "made.parquet").write_bytes(table.read_bytes())
    command = "cp made.parquet data/terrain/captions.parquet"
    stages = {"caption": {"cmd": command, "outs": ["data/terrain/captions.parquet"]}}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    Repo.init(str(root), no_scm=True).close()
    table.unlink()
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], cwd=root, check=True)
    shutil.rmtree(root / ".landloom")
    table.unlink()


def test_a_fresh_clone_takes_the_names_from_the_last_table_of_dvc(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    data = grow(tmp_path)
    with serving() as server:
        nominatim = Nominatim(server)
        place = nominatim.settings().model_dump(mode="json")
        method = {"name": "facts", **FACTS, "drop_share": 0.0, "place": place}
        stage = caption(tmp_path, method=method)
        assert stage.figures["places_named"] == 5 and len(nominatim.asked) == 1
        table = (data / "captions.parquet").read_bytes()
        _as_on_another_machine(tmp_path)
        caption(tmp_path, method=method)
        assert len(nominatim.asked) == 1 and (data / "captions.parquet").read_bytes() == table
        shutil.rmtree(tmp_path / ".landloom")
        caption(tmp_path, method=method | {"place": place | {"cell_deg": 0.5}})
        assert len(nominatim.asked) == 2, "other cells have other names"


def test_the_store_is_on_the_disk_of_the_checkout_also_on_a_worker(tmp_path, api, monkeypatch):
    monkeypatch.setenv("LANDLOOM_STATE", str(tmp_path / "bucket"))
    grow(tmp_path)
    caption(tmp_path, method=method(api))
    store = Store(tmp_path / ".landloom" / "captions", "terrain")
    assert api.requests == len(store.rows(_requests(tmp_path)))
    assert not list((tmp_path / "bucket").rglob("*.sqlite*")), "a bucket has no locks"


def _requests(root):
    return read_captions(root / "data" / "terrain" / "captions.parquet")["request"]


def test_the_estimate_is_told_and_nothing_is_sent(tmp_path, api):
    grow(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["datasets"]["terrain"]["caption"] = {"method": method(api, tiles=6)}
    params["compute"] = {"engine": "serial", "workers": 1}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    for room in (ROOT / "tasks").glob("*/params.py"):
        (tmp_path / "tasks" / room.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(room, tmp_path / "tasks" / room.parent.name)
    line = told("terrain", tmp_path)
    assert line.startswith("6 texts by eye: about 0.0") and "cap 5.00" in line and api.requests == 0
    caption(tmp_path, method=method(api, tiles=6))
    assert told("terrain", tmp_path).startswith("0 texts by eye: about 0.00 USD") and api.requests == 6
    with pytest.raises(LandloomError, match="costs nothing; choose prose"):
        told("aerial", tmp_path)


def test_names_of_places_are_in_facts_texts_and_the_table(tmp_path):
    data = grow(tmp_path)
    place = polygons(tmp_path).model_dump(mode="json")
    stage = caption(tmp_path, method={"name": "facts", **FACTS, "drop_share": 0.0, "place": place})
    table = read_captions(data / "captions.parquet")
    named = table[table.index.str.startswith("measured")]
    assert len(named) == 5 and (named["attribution"] == "Made up").all()
    assert {json.loads(facts)["place"]["name"] for facts in named["facts"]} == {"Wide"}
    assert named["text"].str.contains(", in Wide").any()
    others = table[~table.index.str.startswith("measured")]
    assert others["attribution"].isna().all() and not others["text"].str.contains("Wide").any()
    assert stage.figures["places_named"] == 5 and stage.figures["places_failed"] == 0
