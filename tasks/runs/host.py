"""A limit on the number of stages that run on one host at the same time.

The limit consists of numbered places. A place is a file that a stage keeps locked while it runs. The kernel releases
the lock when the process ends, also after a kill, so no cleanup and no server are needed. All stages of this user
count, in all checkouts: flows with or without a Prefect server, workers, sweeps, and `dvc repro` in a terminal.
A limit on a Prefect server would miss the stages that run without it, and a dead flow would keep its places.

A stage that a flow started has `LANDLOOM_HOST_STAGES` in its environment and waits for one of that many places. A
stage of plain `dvc repro` takes a place if one is free. It never waits, because a person at a terminal started it.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LIMIT = "LANDLOOM_HOST_STAGES"
FOLDER = "LANDLOOM_HOST_DIR"
_EVERY_S, _TELL_EVERY_S = 0.5, 60.0


@contextmanager
def host_place(say: Callable[[str], None]) -> Iterator[None]:
    """Hold one of this host's places. While this waits, it calls `say` once a minute with a message."""
    limit = int(os.environ.get(LIMIT) or 0)
    places = limit or os.cpu_count() or 1
    told = -_TELL_EVERY_S
    while (held := _free(places)) is None and limit:
        if time.monotonic() - told >= _TELL_EVERY_S:
            told = time.monotonic()
            say(f"waits: {limit} stages are running on this host, which is the limit that {LIMIT} sets")
        time.sleep(_EVERY_S)
    try:
        yield
    finally:
        if held is not None:
            held.close()


def _free(places: int) -> IO[bytes] | None:
    """Lock the first free place and return its file, or None if no place is free."""
    folder = Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir()) / f"landloom-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(places):
        stream = (folder / f"place-{number}").open("ab")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
        else:
            return stream
    return None
