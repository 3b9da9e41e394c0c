"""What every command line shares: errors as one line on stderr, and output into a pipe that its reader closes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.core.errors import LandloomError


@contextmanager
def told(*others: type[Exception], status: int = 1) -> Iterator[None]:
    """Catch a LandloomError or one of `others`, print it to stderr, and exit with `status`.

    A reader of stdout may leave early, as `head` does. The command then works to its end and prints into nothing.
    """
    outlive_reader()
    try:
        yield
    except (LandloomError, *others) as error:
        print(error, file=sys.stderr)
        sys.exit(status)


class _Unread(io.FileIO):
    """Output that goes to the null device after its reader has closed the pipe."""

    def write(self, data: Any) -> int | None:
        try:
            return super().write(data)
        except BrokenPipeError:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.fileno())
            os.close(nothing)
            return super().write(data)


def outlive_reader() -> None:
    """Let this process go on after the reader of its stdout has left. A terminal needs no change.

    The signal SIGPIPE stays ignored, as Python has it: it would also end a process whose network peer leaves.
    """
    out: Any = sys.stdout
    if out is None or out is not sys.__stdout__ or out.isatty():
        return
    out.flush()
    raw = _Unread(out.fileno(), "w", closefd=False)
    buffer = raw if out.write_through else io.BufferedWriter(raw)  # PYTHONUNBUFFERED is kept
    sys.stdout = io.TextIOWrapper(
        buffer, out.encoding, out.errors, line_buffering=out.line_buffering, write_through=out.write_through
    )
