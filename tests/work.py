"""Work for the engines, in a module that a worker imports quickly."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tasks.core.errors import LandloomError


class Numbered(int):
    """An item with a readable name, like the batches of the stages."""

    def __str__(self) -> str:
        return f"scene {int(self)}"


def leave_a_mark(item: int, folder: Path, seconds: float) -> tuple[int, int]:
    """Record that this process computed the item; takes `seconds`."""
    with (folder / str(item)).open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return item, os.getpid()


def refuse(item: int) -> int:
    if item >= 3:
        time.sleep(0.5 if item == 3 else 0)  # so that the later error arrives first
        raise LandloomError(f"raw/{item}.tif: not a raster; remove it")
    return item


def run_out_of_memory(item: int) -> int:
    """Die as if the kernel killed the worker for its memory."""
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item
