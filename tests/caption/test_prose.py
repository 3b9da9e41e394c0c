"""Prose over a real server on loopback that throttles, stays silent, breaks its answers, refuses, fails and lies."""

from __future__ import annotations

import json
import re
import time

import pytest
from pydantic import ValidationError

from tasks.caption.check.verdict import judge
from tasks.caption.prose.client import connect
from tasks.caption.prose.describer import chosen_tiles
from tasks.caption.prose.store import Store, told
from tasks.caption.templates import TemplateDescriber
from tasks.core.errors import LandloomError
from tests.caption.api import FALSE, FAULTS, Api
from tests.caption.prose import FACTS, KEY, KEYS, PICTURES, by, describe, run, settings


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setattr("tasks.caption.prose.oneby.BACKOFF_S", 0.02)
    monkeypatch.setattr("tasks.caption.prose.client.BUSY_S", 0.02)


@pytest.fixture
def api():
    with Api() as running:
        yield running


def test_every_tile_gets_a_true_text_and_a_second_run_asks_for_none(tmp_path, api):
    said: list[str] = []
    captions = run(tmp_path, api, say=said.append)
    assert by(captions) == {"model": 40} and api.requests == 40 and api.most_at_once <= 8
    for caption, facts in zip(captions, FACTS, strict=True):
        assert judge(re.split(r"(?<=\.) ", caption.text), facts).reasons == ()
        assert caption.model == "eye-1" and caption.request and caption.reason is None
    assert sum(caption.cost_usd for caption in captions) == pytest.approx(api.charged)
    assert "40 texts by eye: about" in said[0] and "cap 100.00" in said[0]
    assert run(tmp_path, api) == captions and api.requests == 40


def test_a_changed_picture_fact_or_model_is_another_request(tmp_path, api):
    run(tmp_path, api, KEYS[:1])
    assert api.requests == 1
    changed = {KEYS[0]: PICTURES[KEYS[0]].copy()}
    changed[KEYS[0]][0, 0, 0] ^= 1
    describe(tmp_path, settings(api.url), KEYS[:1], FACTS[:1], changed)
    describe(tmp_path, settings(api.url), KEYS[:1], [FACTS[0] | {"relief_m": 77.0}], PICTURES)
    describe(tmp_path, settings(api.url, model="ear"), KEYS[:1], FACTS[:1], PICTURES)
    assert api.requests == 4
    run(tmp_path, api, KEYS[:1], cap_usd=3.0, connections=2, timeout_s=9.0, tries=3)
    assert api.requests == 4, "who asks, and how, is no part of the content"


def test_tiles_of_equal_content_share_a_request(tmp_path, api):
    pictures = {"a": PICTURES[KEYS[1]], "b": PICTURES[KEYS[1]]}
    captions = describe(tmp_path, settings(api.url), ["a", "b"], [FACTS[1]] * 2, pictures)
    assert api.requests == 1 and captions[0].text == captions[1].text
    assert sorted(caption.cost_usd > 0 for caption in captions) == [False, True], "it is paid once"


@pytest.mark.parametrize("batch", [None, {"poll_s": 0.01, "least": 2}])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_in_four_leaves_no_tile_without_a_text(tmp_path, fault, batch):
    with Api({fault: 0.25}) as api:
        captions = run(tmp_path, api, batch=batch)
        assert all(caption.text for caption in captions) and api.did[fault] and api.repeated == 0
        for caption in captions:
            assert (caption.text_from == "template") == bool(caption.reason)
        if fault not in ("refused", "untrue", "unformed"):
            assert by(captions) == {"model": 40}
        asked = api.requests
        assert run(tmp_path, api, batch=batch) == captions and api.requests == asked
        assert sum(caption.cost_usd for caption in captions) >= api.charged - 1e-9, "no cost is forgotten"


@pytest.mark.parametrize(
    "fault, reason",
    [
        ("refused", "the model refuses: I cannot help with that."),
        ("untrue", "'77 km' is not measured"),
        ("unformed", "not of the form that was asked for"),
        ("failed", "the server answers 500"),
        ("throttled", "the server answers 429: .*slow down"),
        ("silent", "no answer in time"),
        ("torn", "no whole JSON document"),
    ],
)
def test_the_table_says_why_a_template_stands_in(tmp_path, fault, reason):
    with Api({fault: 1.0}, silence_s=0.4) as api:
        [caption] = run(tmp_path, api, KEYS[1:2], retries=1, timeout_s=0.2)
    expected = TemplateDescriber(0.3).text(KEYS[1], FACTS[0])
    assert caption.text == expected and caption.text_from == "template" and caption.model is None
    assert re.search(reason, caption.reason)
    paid = fault not in ("failed", "throttled")
    assert (caption.cost_usd > 0) == paid, "an answer that is rejected or lost is paid for all the same"


def test_the_model_is_told_what_was_wrong(tmp_path):
    with Api({"untrue": 1.0}) as api:
        bodies = []
        answer = api._answer

        def seen(handler):
            bodies.append(json.loads(handler.body))
            answer(handler)

        api._answer = seen
        run(tmp_path, api, KEYS[:1], tries=3)
    texts = [body["messages"][1]["content"][0]["text"] for body in bodies]
    assert len(texts) == 3 and "rejected" not in texts[0]
    assert "Your last answer was rejected" in texts[1] and "'77 km' is not measured" in texts[1]
    assert FALSE["sentences"][0] in texts[1]


@pytest.mark.parametrize("batch", [None, {"poll_s": 0.01, "least": 2, "most_requests": 5}])
@pytest.mark.parametrize("cap", [0.0, 0.003, 0.02])
def test_the_cap_is_never_exceeded_and_holds_over_runs(tmp_path, cap, batch):
    with Api({"silent": 0.1, "untrue": 0.1}) as api:
        captions = run(tmp_path, api, cap_usd=cap, batch=batch, picture_tokens=100, timeout_s=0.5)
        spent = sum(caption.cost_usd for caption in captions)
        assert api.charged <= spent + 1e-9 and spent <= cap + 1e-9
        assert all(caption.text for caption in captions)
        left = [caption for caption in captions if "the cap of" in (caption.reason or "")]
        assert left and all(caption.text_from == "template" for caption in left)
        asked = api.requests
        run(tmp_path, api, cap_usd=cap, batch=batch, picture_tokens=100, timeout_s=0.5)
        assert api.requests == asked
        more = run(tmp_path, api, cap_usd=100.0, batch=batch, timeout_s=0.5)
        assert not any("the cap of" in (caption.reason or "") for caption in more) and api.repeated == 0


def test_the_cap_is_for_all_requests_that_a_dataset_ever_sent(tmp_path, api):
    cap = {"cap_usd": 0.02, "picture_tokens": 100, "connections": 1}
    run(tmp_path, api, **cap)
    first = api.charged
    for temperature in (0.1, 0.2, 0.3):  # each makes another request of every tile
        run(tmp_path, api, **cap, temperature=temperature)
    assert first > 0.01 and api.charged <= 0.02 + 1e-9
    captions = run(tmp_path, api, **cap, temperature=0.4, dataset="other")
    assert api.charged > 0.022 and by(captions)["model"] > 1, "another dataset has a cap of its own"
    asked = api.requests
    assert by(run(tmp_path, api, **cap, dataset="other"))["model"] > 1 and api.requests == asked, "answers serve all"


def test_a_budget_for_some_tiles_is_spread_by_hash(tmp_path, api):
    captions = run(tmp_path, api, tiles=10)
    assert by(captions) == {"model": 10, "template": 30} and api.requests == 10
    assert chosen_tiles(KEYS, 10) == chosen_tiles(list(reversed(KEYS)), 10) != KEYS[:10]
    assert chosen_tiles(KEYS, 20)[:10] == chosen_tiles(KEYS, 10), "more tiles keep those that are paid for"
    assert {caption.reason for caption in captions} == {None, "the budget is for other tiles: caption.method.api.tiles"}


def test_a_wrong_key_stops_at_the_first_request(tmp_path, api, monkeypatch):
    api.key = "another one"
    with pytest.raises(LandloomError, match="127.0.0.1 answers 401: .*check OPENAI_API_KEY, model and base_url"):
        run(tmp_path, api)
    assert api.requests == 0
    api.key = KEY
    assert by(run(tmp_path, api)) == {"model": 40}
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(LandloomError, match="OPENAI_API_KEY is not set"):
        connect(settings(api.url))


def test_an_api_that_is_away_ends_in_templates_soon(tmp_path, api):
    address = api.url
    api.server.close()
    started = time.monotonic()
    captions = describe(tmp_path, settings(address, retries=1), KEYS, FACTS, PICTURES)
    assert by(captions) == {"template": 40} and time.monotonic() - started < 10
    assert all(caption.cost_usd == 0 for caption in captions), "a request that never left costs nothing"
    assert any("the connection broke" in caption.reason for caption in captions)


def test_a_long_wait_ends_the_run_in_templates(tmp_path, api):
    said = b'{"error": {"message": "tomorrow", "code": "rate_limit_exceeded"}}'
    api.server.routes["/v1/chat/completions"] = lambda handler: handler.answer(429, said, Retry_After=3600)
    captions = run(tmp_path, api)
    assert {caption.reason for caption in captions} == {"the server asks to wait 3600 s, longer than most_wait_s"}
    spent = b'{"error": {"message": "pay first", "code": "insufficient_quota"}}'
    api.server.routes["/v1/chat/completions"] = lambda handler: handler.answer(429, spent)
    assert {caption.reason for caption in run(tmp_path, api)} == {
        "the account has no quota left: Error code: 429 - pay first"
    }


def test_answers_travel_to_another_machine(tmp_path):
    with Api({"untrue": 0.3, "silent": 0.1}) as api:
        captions = run(tmp_path / "here", api, timeout_s=0.5)
        asked = api.requests
        there = Store(tmp_path / "there", "terrain")
        for caption in captions:
            assert there.adopt(caption.request, caption.answers) and not there.adopt(caption.request, caption.answers)
        there.close()
        assert run(tmp_path / "there", api) == captions and api.requests == asked


def test_the_store_counts_what_was_on_its_way(tmp_path):
    store = Store(tmp_path, "terrain")
    first, second = store.send([("a", 0.5), ("b", 0.25)])
    store.answered(first, 0.1, '{"content": "x"}', "eye")
    rows = store.rows(["a", "b", "c"])
    assert [(row.state, row.usd) for row in rows["a"] + rows["b"]] == [("answered", 0.1), ("sent", 0.25)]
    store.lost([second])
    assert json.loads(told(store.rows(["b"])["b"])) == [{"state": "lost", "usd": 0.25, "answer": None, "model": None}]
    store.free([second])
    assert not store.rows(["b"]).get("b")


@pytest.mark.parametrize(
    "wrong",
    [{"cap_usd": -1}, {"base_url": "localhost"}, {"tries": 0}, {"batch": {"most_requests": 50_001}}, {"key": "sk-1"}],
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        settings("http://127.0.0.1:1", **wrong)


def test_computed_ground_is_called_so(tmp_path, api):
    [caption] = run(tmp_path, api, KEYS[:1])
    assert FACTS[0]["procedural"] and "procedurally generated" in caption.text
