"""Send MLflow the runs that were kept on disk while it was unreachable, slow or full.

Runs of workers, whose outputs came here without them through a pull or after a kill, are fetched from the DVC remote.

python -m flows.unsent          send every kept run
python -m flows.unsent --list   list the kept runs
"""

from __future__ import annotations

import argparse
import sys

from flows.elsewhere.record import bring_all
from tasks.core.command import outlive_reader
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tasks.runs.journal import journals, read, taken
from tasks.runs.sending import send


def main() -> None:
    """The command line; exits with status 1 where a run could not be sent completely."""
    parser = argparse.ArgumentParser(prog="python -m flows.unsent", description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="only list the kept runs")
    arguments = parser.parse_args()
    outlive_reader()
    waiting = journals(ROOT)
    failed = False
    for folder in waiting:
        with taken(folder) as free:
            if not free:
                print(f"{folder.name}: its stage is still running, or another process sends it")
            elif arguments.list:
                print(f"{folder.name}: {len(read(folder))} entries")
            else:
                try:
                    print(f"{folder.name}: sent as run {send(folder)}")
                except LandloomError as error:
                    print(error, file=sys.stderr)
                    failed = True
    brought = 0
    try:
        for line in () if arguments.list else bring_all(ROOT):
            print(line)
            brought += 1
    except LandloomError as error:
        print(error, file=sys.stderr)
        failed = True
    if not (waiting or brought or failed):
        print("nothing to send: MLflow has every run that was kept")
    sys.exit(failed)


if __name__ == "__main__":
    main()
