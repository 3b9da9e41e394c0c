"""The Batch API over a server on loopback, and runs that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tasks.caption.prose.batches import Batches
from tasks.caption.prose.client import connect
from tasks.caption.prose.describer import ProseDescriber
from tasks.caption.prose.store import Store
from tasks.caption.templates import TemplateDescriber
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tests.caption.api import Api
from tests.caption.prose import FACTS, KEY, KEYS, PICTURES, by, run, settings


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("tasks.caption.prose.client.BUSY_S", 0.02)


@pytest.fixture
def api():
    with Api() as running:
        yield running


@pytest.mark.parametrize("batch", [None, {"poll_s": 0.1, "least": 2, "most_requests": 10}])
def test_a_killed_run_goes_on_where_it_was(tmp_path, api, batch):
    api.looks = 10**9 if batch else 2
    slow = api._answer

    def slower(handler):
        time.sleep(0.05)
        slow(handler)

    api._answer = slower
    code = (
        "import tasks, sys, json\nfrom pathlib import Path\n"
        "from tests.caption.prose import describe, settings, tiles\n"
        f"describe(Path({str(tmp_path)!r}), settings({api.url!r}, batch={batch!r}, connections=2), *tiles(40))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"OPENAI_API_KEY": KEY})
    while (api.files_sent < 4 if batch else api.requests < 10) and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    api.looks = 2
    captions = run(tmp_path, api, batch=batch)
    assert by(captions) == {"model": 40}
    assert api.repeated <= (0 if batch else 2), "only what was on its way when the process died is asked for again"
    assert sum(caption.cost_usd for caption in captions) >= api.charged - 1e-9
    if batch:
        assert api.files_sent == 4 and sum(caption.cost_usd for caption in captions) == pytest.approx(api.charged)


def test_a_killed_batch_whose_id_was_never_noted_is_found_by_its_tag(tmp_path, api):
    batch = {"poll_s": 0.01, "least": 2}
    api.drop_created = 1  # the batch is made, and the answer about it is lost
    captions = run(tmp_path, api, batch=batch)
    assert by(captions) == {"model": 40} and api.repeated == 0 and len(api._batches) == 1


def test_files_keep_to_the_limits(tmp_path, api):
    captions = run(tmp_path, api, batch={"poll_s": 0.01, "least": 2, "most_requests": 7})
    assert by(captions) == {"model": 40}
    assert [len(content.splitlines()) for content in _sent(api)] == [7, 7, 7, 7, 7, 4], (
        "one goes alone, to see its cost"
    )
    with Api() as other:
        run(tmp_path / "other", other, batch={"poll_s": 0.01, "least": 2, "most_mb": 0.05})
        sizes = [len(content) for content in _sent(other)]
        assert len(sizes) > 2 and max(sizes) <= 50_000


def _sent(api):
    inputs = [batch["input_file_id"] for batch in api._batches.values()]
    return [api._files[identity] for identity in inputs]


def test_a_batch_that_expires_gives_what_it_has_and_the_rest_is_asked_for_again(tmp_path, api):
    api.expires = True
    said: list[str] = []
    captions = run(tmp_path, api, batch={"poll_s": 0.01, "least": 4, "rounds": 2}, say=said.append)
    assert by(captions) == {"model": 40} and api.repeated == 0
    assert any("is expired: 20 answers, 19 failed, 0 are lost" in line for line in said)
    assert sum(caption.cost_usd for caption in captions) == pytest.approx(api.charged)


def test_a_full_queue_is_waited_for_and_a_refused_batch_is_told(tmp_path, api):
    api.queue_full = 2
    assert by(run(tmp_path, api, batch={"poll_s": 0.01, "least": 2, "most_requests": 20})) == {"model": 40}
    with Api() as other:
        other.queue_full = 10**6
        with pytest.raises(LandloomError, match="too small for a batch of 39 requests; lower most_requests"):
            run(tmp_path / "other", other, batch={"poll_s": 0.001, "least": 2})
        other.queue_full = 0
        assert by(run(tmp_path / "other", other)) == {"model": 40}


def _left_on_its_way(folder, api):
    """A run that ends after it has sent a batch of 39 requests."""
    look = api.server.routes["/v1/batches/*"]
    api.server.routes["/v1/batches/*"] = lambda handler: handler.answer(404, b"{}")
    with pytest.raises(LandloomError, match="answers 404"):
        run(folder, api, batch={"poll_s": 0.01, "least": 2})
    api.server.routes["/v1/batches/*"] = look


def test_a_queue_that_was_full_in_an_earlier_run_is_no_refusal(tmp_path, api):
    api.queue_full = 1
    _left_on_its_way(tmp_path, api)
    said: list[str] = []
    captions = run(tmp_path, api, batch={"poll_s": 0.01, "least": 2}, say=said.append)
    assert by(captions) == {"model": 40} and api.repeated == 0
    assert any("the queue of the account was full; its 39 requests are free again" in line for line in said)
    assert sum(caption.cost_usd for caption in captions) == pytest.approx(api.charged)


@pytest.mark.parametrize("dataset", ["terrain", "other"])
def test_a_batch_of_which_few_requests_are_wanted_settles_what_was_counted(tmp_path, api, dataset):
    _left_on_its_way(tmp_path, api)
    store, given = Store(tmp_path, dataset), settings(api.url, batch={"poll_s": 0.01})
    describer = ProseDescriber(given, TemplateDescriber(0.3), store, PICTURES.__getitem__, print)
    _, items = describer.items(KEYS[:30], FACTS[:30], KEYS[:5])
    budget = describer.budget(list(items.values()))
    bound = budget.spent
    Batches(connect(given), given, store, budget, print).collect(store.batches())
    charged = api.charged if dataset == "terrain" else 0.0
    assert budget.spent == pytest.approx(charged) == pytest.approx(store.spent)
    assert bound > charged if charged else bound == 0.0
    store.close()
