"""Captions by a model behind an API that fails in every way: what becomes of each tile, and what it costs.

The API is a server on loopback. Each kind of fault befalls five requests in a hundred.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tasks.caption.check.verdict import judge
from tasks.caption.describer import Caption
from tests.caption.api import FAULTS, Api
from tests.caption.prose import KEY, describe, settings, tiles

TILES, SHARE, CONNECTIONS = 2000, 0.05, 32
TOY = {"TILES": 60, "CONNECTIONS": 8, "TIMEOUT_S": 1.0, "SILENCE_S": 1.2}
TIMEOUT_S, SILENCE_S = 3.0, 3.5  # of a client, and of a server that answers too late
BATCH = {"poll_s": 0.05, "least": 20}


def run() -> list[tuple[str, str, str]]:
    """Caption all tiles one by one, by batches, and with a budget for half of them."""
    before = os.environ.get("OPENAI_API_KEY")
    os.environ["OPENAI_API_KEY"] = KEY
    try:
        made = tiles(TILES)
        rows = _measure("one by one", made, None)
        rows += _measure("in batches", made, {**BATCH, "most_requests": max(TILES // 4, 20)})
        return rows + _capped(made) + _killed(made)
    finally:
        if before is None:
            del os.environ["OPENAI_API_KEY"]
        else:
            os.environ["OPENAI_API_KEY"] = before


def _api() -> Api:
    return Api(dict.fromkeys(FAULTS, SHARE), silence_s=SILENCE_S)


def _settings(api: Api, **values: Any) -> Any:
    return settings(api.url, connections=CONNECTIONS, timeout_s=TIMEOUT_S, **values)


def _measure(way: str, made: Any, batch: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    with _api() as api, tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        captions = describe(Path(folder), _settings(api, batch=batch), *made)
        took, asked = time.monotonic() - started, api.requests
        again = describe(Path(folder), _settings(api, batch=batch), *made)
        did = ", ".join(f"{api.did[kind]} {kind}" for kind in FAULTS)
        model = [
            (caption, facts) for caption, facts in zip(captions, made[1], strict=True) if caption.text_from == "model"
        ]
        false = sum(judge([caption.text], facts).text is None for caption, facts in model if ". " not in caption.text)
        spent = sum(caption.cost_usd for caption in captions)
        return [
            (f"{TILES} tiles {way}: captions, of them by the model", f"{len(captions)}, {len(model)}", f"{TILES}"),
            (f"  what the API did, in {asked} requests ({took:.0f} s)", did, ""),
            ("  without a text, or a template without a reason", f"{_null(captions)}, {_silent(captions)}", "0, 0"),
            ("  why a template stands in", _reasons(captions), ""),
            ("  texts of the model that the facts contradict", f"{false}", "0"),
            ("  requests repeated that had a good answer", f"{api.repeated}", "0"),
            ("  cost by our books, by the API's (US dollars)", f"{spent:.3f}, {api.charged:.3f}", "ours is not less"),
            ("  a second run: requests, equal captions", f"{api.requests - asked}, {again == captions}", "0, True"),
        ]


def _capped(made: Any) -> list[tuple[str, str, str]]:
    rows = []
    for way, batch in (("one by one", None), ("in batches", {**BATCH, "most_requests": max(TILES // 20, 20)})):
        with _api() as api, tempfile.TemporaryDirectory() as folder:
            cap = 0.0007 * TILES
            captions = describe(Path(folder), _settings(api, batch=batch, cap_usd=cap, picture_tokens=100), *made)
            asked = api.requests
            describe(Path(folder), _settings(api, batch=batch, cap_usd=cap, picture_tokens=100), *made)
            spent = sum(caption.cost_usd for caption in captions)
            model = sum(caption.text_from == "model" for caption in captions)
            rows += [
                (f"a cap of {cap:.3f} USD, {way}: texts by the model", f"{model} of {TILES}", ""),
                ("  cost by our books, by the API's", f"{spent:.3f}, {api.charged:.3f}", f"≤ {cap:.3f}"),
                ("  without a text; requests of a second run", f"{_null(captions)}; {api.requests - asked}", "0; 0"),
            ]
    return rows


def _killed(made: Any) -> list[tuple[str, str, str]]:
    """Kill a run in the middle, and run again."""
    with Api() as api, tempfile.TemporaryDirectory() as folder:
        child = get_context("fork").Process(
            target=describe, args=(Path(folder), settings(api.url, connections=4), *made), daemon=True
        )
        child.start()
        while api.requests < TILES // 2 and child.is_alive():
            time.sleep(0.005)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        captions = describe(Path(folder), settings(api.url, connections=4), *made)
        model = sum(caption.text_from == "model" for caption in captions)
        return [
            (f"killed after {TILES // 2} requests and run again: texts by the model", f"{model}", f"{TILES}"),
            ("  requests sent twice, as the kill met them on their way", f"{api.repeated}", "≤ 4"),
        ]


def _null(captions: list[Caption]) -> int:
    return sum(not caption.text for caption in captions)


def _silent(captions: list[Caption]) -> int:
    return sum(caption.text_from == "template" and not caption.reason for caption in captions)


def _reasons(captions: list[Caption]) -> str:
    kinds = (("refuses", "refused"), ("form", "not of the form"), ("measured", "untrue"), ("tries", "no answer"))
    told = [caption.reason or "" for caption in captions if caption.text_from == "template"]
    count = Counter(next((name for word, name in kinds if word in reason), "other") for reason in told)
    return ", ".join(f"{number} {name}" for name, number in sorted(count.items())) or "none"
