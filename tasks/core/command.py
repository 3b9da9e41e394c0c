"""How a command line tells a person what went wrong: one line, an exit status, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.core.errors import LandloomError


@contextmanager
def told(*others: type[Exception], status: int = 1) -> Iterator[None]:
    """Print a LandloomError, or one of `others`, that ends the block, and exit with `status`."""
    try:
        yield
    except (LandloomError, *others) as error:
        print(error, file=sys.stderr)
        sys.exit(status)
