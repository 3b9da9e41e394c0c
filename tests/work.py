"""Work for the engines, in a module that a worker loads in no time."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tasks.core.errors import LandloomError


class Numbered(int):
    """An item that says what it is, as the batches of the stages do."""

    def __str__(self) -> str:
        return f"scene {int(self)}"


def leave_a_mark(item: int, folder: Path, seconds: float) -> tuple[int, int]:
    """Write down that the item was computed, and by whom; it takes a while."""
    with (folder / str(item)).open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return item, os.getpid()


def refuse(item: int) -> int:
    if item >= 3:
        time.sleep(0.5 if item == 3 else 0)  # the later error is there first
        raise LandloomError(f"raw/{item}.tif: not a raster; remove it")
    return item


def run_out_of_memory(item: int) -> int:
    """What the kernel does to a worker that wants too much."""
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item
