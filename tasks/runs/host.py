"""How many stages work on one host at a time, whoever started them.

A place is a file that a stage keeps locked while it works. The kernel frees the lock when the process ends,
however it ends, so nothing has to be cleaned up and no server has to be asked: flows on a Prefect server,
flows without one, workers, sweeps and `dvc repro` in a terminal all count, in any checkout of this user.
(A limit kept on a Prefect server would know nothing of the others, and would keep a dead flow's places.)

A stage that a flow started has `LANDLOOM_HOST_STAGES` and waits for one of so many places. A stage of plain
`dvc repro` takes a place if one is free and never waits: a person at a terminal asked for it now.
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
    """Hold one of this host's places; `say` is told, now and then, of waiting for one."""
    limit = int(os.environ.get(LIMIT) or 0)
    places = limit or os.cpu_count() or 1
    told = -_TELL_EVERY_S
    while (held := _free(places)) is None and limit:
        if time.monotonic() - told >= _TELL_EVERY_S:
            told = time.monotonic()
            say(f"waits: {limit} stages are at work on this host, as many as {LIMIT} lets it bear")
        time.sleep(_EVERY_S)
    try:
        yield
    finally:
        if held is not None:
            held.close()


def _free(places: int) -> IO[bytes] | None:
    """The first place that nobody holds, now held by us."""
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
