"""Error handling of command lines: an error becomes one line on stderr and an exit status, without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.core.errors import LandloomError


@contextmanager
def told(*others: type[Exception], status: int = 1) -> Iterator[None]:
    """Catch a LandloomError or one of `others`, print it to stderr, and exit with `status`."""
    try:
        yield
    except (LandloomError, *others) as error:
        print(error, file=sys.stderr)
        sys.exit(status)
