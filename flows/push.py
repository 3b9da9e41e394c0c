"""Send outputs and run cache to the DVC remote, so that others can pull them and reproduce any run.

    python -m flows.push              everything, with the run cache
    python -m flows.push train        only this stage's outputs

The same as `dvc push --run-cache`, but it reports an unreachable, silent or full remote within seconds, in one line.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.outside.away import silent
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tasks.runs.secrets import redact


def push(root: Path = ROOT, targets: Sequence[str] = ()) -> str:
    """Push, and return DVC's message. Raises LandloomError where the remote does not take the data.

    It first checks that the remote answers: DVC itself waits minutes for every file if a store accepts a connection
    and then stays silent.
    """
    name, address = default_remote(root)
    command = ["push", "--run-cache", *targets]
    reason = silent(address) if address else None
    if reason is None:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *command], cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode == 0:
            return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "pushed"
        told = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("ERROR")]
        reason = told[-1].removeprefix("ERROR: ") if told else f"dvc push ended with {done.returncode}"
    where = f"{name!r} ({address})" if address else repr(name)
    raise LandloomError(
        redact(f"the DVC remote {where} is unreachable or full, so the new data are on this machine alone; ")
        + f"nothing is lost, and `dvc {' '.join(command)}` sends it later: {redact(reason)}"
    )


def default_remote(root: Path) -> tuple[str, str | None]:
    """Returns (name of the default DVC remote, its HTTP address or None)."""
    from dvc.config import Config

    config = Config(str(root / ".dvc"), validate=False).read()
    name = config["core"].get("remote")
    if not name:
        raise LandloomError(
            "there is no default DVC remote; `dvc remote add --local --default storage s3://…` adds one"
        )
    remote = config["remote"].get(name, {})
    address = remote.get("endpointurl") or remote.get("url") or ""
    return name, address if address.startswith("http") else None


def main() -> None:
    """The command line; exits with status 1 where the push failed."""
    parser = argparse.ArgumentParser(prog="python -m flows.push", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="stages or paths; everything when left out")
    given = parser.parse_args()
    with told():
        print(push(ROOT, given.targets))


if __name__ == "__main__":
    main()
