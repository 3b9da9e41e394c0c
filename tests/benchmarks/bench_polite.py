"""Politeness: many scans from a library on loopback that throttles, breaks off, states wrong lengths and restarts once.

The server watches its limits. The first process that fetches is killed in the middle, and a second one goes on.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd

from tests.acquire.library import Library, Loc, rendered
from tests.acquire.published import drawn
from tests.acquire.rude import Rude
from tests.acquire.stage import acquire, params

ITEMS, RATE, CONNECTIONS, LONGEST = 500, 30.0, 4, 320
TOY = {"ITEMS": 30, "RATE": 100.0, "LONGEST": 64}
PER_PAGE = 25


def run() -> list[tuple[str, str, str]]:
    """Fetch, kill, fetch again, and count on both sides."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        # The child starts before the server, so that it inherits none of its threads.
        fork = multiprocessing.get_context("fork")
        mine, its = fork.Pipe()
        child = fork.Process(target=_child, args=(root, its), daemon=True)
        child.start()
        rude = Rude()
        library = _library(rude)
        mine.send(rude.server.url)
        while sum("/full/" in path for path in list(rude.sent)) < ITEMS // 2 and child.is_alive():
            time.sleep(0.01)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        kept, before = _pictures(root), dict(rude.sent)
        restart = threading.Thread(target=rude.restart_after, args=(len(rude.watch.arrivals) + ITEMS // 3, 0.5))
        restart.start()
        started = time.monotonic()
        ledger = _fetch(root, rude.server.url)
        took = time.monotonic() - started
        restart.join()
        rude.server.close()
        return _rows(root, rude, library, ledger, kept, before, took)


def _child(root: Path, pipe: Connection) -> None:
    os.setsid()
    _fetch(root, pipe.recv())


def _fetch(root: Path, url: str) -> pd.DataFrame:
    polite = {"requests_per_second": RATE, "connections": CONNECTIONS, "retries": 12, "timeout_s": 10.0}
    block = {"url": f"{url}/maps/", "limit": ITEMS, "longest_px": LONGEST}
    return acquire(root, params("iiif", **polite, **block))


def _library(rude: Rude) -> Library:
    library = Library(rude.server)
    loc = Loc(library, per_page=PER_PAGE)
    for number in range(ITEMS):
        loc.add(f"{number:05}", [library.hold(f"s{number:05}", drawn(number), version=2 + number % 2)])
    for path, route in list(rude.server.routes.items()):
        rude.server.routes[path] = rude.spoil(route)
    return library


def _pictures(root: Path) -> set[str]:
    """Paths at the server of the pictures that the byte cache holds whole."""
    paths = set()
    for record in (root / ".landloom/downloads").glob("??/*.json"):
        if not record.name.endswith(".part.json") and record.with_suffix(".bytes").exists():
            try:
                url = str(json.loads(record.read_text())["url"])
            except (ValueError, KeyError):
                continue
            if "/full/" in url:
                paths.add("/" + url.split("/", 3)[3])
    return paths


def _rows(
    root: Path, rude: Rude, library: Library, ledger: pd.DataFrame, kept: set[str], before: dict[str, int], took: float
) -> list[tuple[str, str, str]]:
    want = {
        f"loc-{name.removeprefix('s')}-0001": hashlib.sha256(_expected(held.body)).hexdigest()
        for name, held in library.images.items()
    }
    good = ledger[ledger["refused"].isna()]
    right = sum(want.get(key) == digest for key, digest in good["sha256"].items())
    files = sum((root / "data/terrain/raw" / path).is_file() for path in good["path"])
    pictures = {path: count for path, count in rude.sent.items() if "/full/" in path}
    again = sum(pictures[path] - before.get(path, 0) for path in kept)
    twice = sum(count > 1 for count in pictures.values())
    watch, bound = rude.watch, int(RATE) + CONNECTIONS
    did = ", ".join(f"{count} {kind}" for kind, count in sorted(rude.did.items()))
    return [
        (f"{ITEMS} scans of a library that behaves badly: fetched with the right bytes", f"{right}", f"{ITEMS}"),
        ("  missing, or in the ledger twice", f"{ITEMS - files}, {int(ledger.index.duplicated().sum())}", "0, 0"),
        (f"  what the server did, in {len(watch.arrivals)} requests ({took:.0f} s)", did, ""),
        ("  most requests within a second", f"{watch.most_within(1.0)}", f"≤ {bound} (rate and connections)"),
        ("  most requests at a time", f"{watch.most_active}", f"≤ {CONNECTIONS}"),
        ("  requests within a wait that the server told", f"{watch.within_waits}", "0"),
        (f"  killed after {len(kept)} pictures; of these, sent again to the second process", f"{again}", "0"),
        ("  pictures sent whole twice, as the kill met them on their way", f"{twice}", f"≤ {CONNECTIONS}"),
    ]


def _expected(body: bytes) -> bytes:
    return rendered(body, (LONGEST, LONGEST * 3 // 4))
