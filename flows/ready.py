"""Wait until the Prefect server of this checkout answers, so that a worker or a deployment can begin.

    python -m flows.ready

`make worker` and `make deploy` begin with it, because a new server needs up to a minute for its tables.
"""

from __future__ import annotations

import argparse
import time

from flows.outside.away import silent
from flows.outside.here import address
from tasks.core.command import told
from tasks.core.errors import LandloomError


def wait(url: str, seconds: float, every: float = 0.5) -> None:
    """Return when the server answers; after a moment, say once what is waited for.

    Raises:
        LandloomError: it did not answer in time.
    """
    started, said = time.monotonic(), False
    while reason := silent(f"{url.rstrip('/')}/health"):
        waited = time.monotonic() - started
        if waited > seconds:
            raise LandloomError(
                f"the Prefect server at {url} does not answer: {reason}. `make server` starts it, in another terminal"
            )
        if waited > 2 and not said:
            said = True
            print(f"waiting for the Prefect server at {url} (`make server` starts it)", flush=True)
        time.sleep(every)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.ready", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="how long to wait at most")
    given = parser.parse_args()
    with told():
        if not (url := address()):
            raise LandloomError("no Prefect server is named: set PREFECT_API_URL, or `url` in prefect.toml")
        wait(url, given.seconds)


if __name__ == "__main__":
    main()
