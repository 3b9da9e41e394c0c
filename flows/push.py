"""Send what this machine made to the DVC remote, so that others can pull it and any run can be had back.

    python -m flows.push              everything, with the record of every stage that ran
    python -m flows.push train        only this stage's outputs

The same as `dvc push --run-cache`, but a remote that is away, silent or full costs seconds and one line.
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
    """Push, and return DVC's word for it. Raises LandloomError saying what stays here alone, and what to do.

    The remote is asked for a sign of life first: DVC's own patience with a store that accepts a connection
    and says nothing is minutes for every file.
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
        redact(f"the DVC remote {where} is away or full, so what was made here is on this machine alone; ")
        + f"nothing is lost, and `dvc {' '.join(command)}` sends it later: {redact(reason)}"
    )


def default_remote(root: Path) -> tuple[str, str | None]:
    """(name of the default DVC remote, its HTTP address where it has one)."""
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
    """The command line; ends with status 1 where something stayed here."""
    parser = argparse.ArgumentParser(prog="python -m flows.push", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="stages or paths; everything when left out")
    given = parser.parse_args()
    with told():
        print(push(ROOT, given.targets))


if __name__ == "__main__":
    main()
