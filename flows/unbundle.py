"""Import the results of a bundle as if its stages had run here: outputs, `dvc.lock`, and runs in MLflow.

    python -m flows.unbundle results.tar
    python -m flows.unbundle results.tar --partial     also import a training that ended early

All hashes are verified. If inputs, parameters or code differ from those of the checkout, the results are refused, and
the message names the differences.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from flows.bundles import archive
from flows.bundles.adopt import adopt
from flows.bundles.layout import MANIFEST, RESULTS, RESULTS_FORMAT, STATE
from flows.bundles.record import keep, summary
from flows.bundles.today import check_records, differences
from flows.bundles.verify import read_manifest
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT
from tasks.runs.sending import send

_SHOWN = 12


def unbundle(path: Path, partial: bool = False, limit_mb: float = 10_000, root: Path = ROOT) -> list[str]:
    """Import the results in `path`; return the names of the stages.

    Args:
        partial: also import a training that ended early.
        limit_mb: largest size of the unpacked results, in MiB.

    Raises:
        LandloomError: the results are damaged, their inputs differ from those of the checkout, or a training ended
            early and `partial` is false.
    """
    (root / STATE).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unbundle-", dir=root / STATE) as scratch:
        folder = Path(scratch) / "results"
        try:
            card = archive.unpack(path, folder, RESULTS, RESULTS_FORMAT, int(limit_mb * 2**20))
            manifest = read_manifest(folder)
        except (archive.ArchiveError, OSError) as error:
            raise LandloomError(f"refused: {error}") from None
        stages = _checked(card, manifest, folder, partial, root)
        digest, waiting = archive.sha256(path), []
        for stage in stages:
            tags = summary(stage, archive.sha256(folder / MANIFEST)[:12], card["hardware"])
            journal = keep(stage["name"], folder, digest, tags, root)
            waiting += [journal] if journal else []
            inputs = stage["inputs"] | {out: dvc_md5(folder / out) for other in stages for out in other["outs"]}
            new = adopt(stage["name"], inputs, folder, root)
            print(f"{stage['name']}: {_words(stage)}; {'taken over' if new else 'DVC has the same already'}")
    for journal in waiting:
        try:
            print(f"{journal.name}: sent to MLflow as run {send(journal, root)}")
        except LandloomError as error:
            print(f"{error}; `python -m flows.unsent` tries again")
    missing = [stage["name"] for stage in manifest["stages"] if stage["name"] not in {each["name"] for each in stages}]
    if missing:
        print(f"without results: {', '.join(missing)}")
    return [stage["name"] for stage in stages]


def _checked(
    card: dict[str, Any], manifest: dict[str, Any], folder: Path, partial: bool, root: Path
) -> list[dict[str, Any]]:
    """Check the results; return the finished stages, each with its inputs, parameters and outputs."""
    finished = {stage["name"]: stage for stage in card["stages"]}
    stages = [stage | finished[stage["name"]] for stage in manifest["stages"] if stage["name"] in finished]
    names = [stage["name"] for stage in manifest["stages"]]
    if not stages or [stage["name"] for stage in stages] != names[: len(stages)]:
        raise LandloomError("refused: the results do not begin with the first stage of their bundle")
    found = differences(stages, manifest, root)
    if found:
        more = f"\n  and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        lines = "".join(f"\n  {line}" for line in found[:_SHOWN])
        raise LandloomError(f"refused: the inputs of these results differ from those of this checkout:{lines}{more}")
    check_records(stages, folder)
    short = [stage for stage in stages if "steps_done" in stage]
    if short and not partial:
        raise LandloomError(
            f"refused: {short[0]['name']} ended early: {_words(short[0])}. Its learning-rate schedule was "
            "cut off, so the model differs from that of a shorter training; --partial imports it"
        )
    return stages


def _words(stage: dict[str, Any]) -> str:
    done = f"a model of {stage['steps_done']} of {stage['steps_planned']} steps, " if "steps_done" in stage else ""
    return f"{done}{stage['seconds']:.0f} s"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.unbundle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path, metavar="RESULTS", help="the file that run.py wrote")
    parser.add_argument("--partial", action="store_true", help="also import a training that ended early")
    parser.add_argument(
        "--limit-mb", type=float, default=10_000, metavar="N", help="most MiB after unpacking (%(default)s)"
    )
    arguments = parser.parse_args()
    with told(OSError, archive.ArchiveError):
        unbundle(**vars(arguments))


if __name__ == "__main__":
    main()
