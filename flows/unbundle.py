"""Take over what a bundle's stages made elsewhere, as if they had run here: outputs, `dvc.lock`, the run in MLflow.

    python -m flows.unbundle results.tar
    python -m flows.unbundle results.tar --partial     also a training that ended early

Every hash is verified. Results of other inputs, parameters or code than today's are refused, and what differs is named.
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
from flows.unsent import send
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT

_SHOWN = 12


def unbundle(path: Path, partial: bool = False, limit_mb: float = 10_000, root: Path = ROOT) -> list[str]:
    """Take over the results in `path`; returns the names of the stages.

    Args:
        partial: take a training that ended early, too. limit_mb: most MiB that the results may unpack to.
    Raises:
        LandloomError: the results are damaged, of other inputs than today's, or partial without `partial`.
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
    """The finished stages, each with its inputs, parameters and outputs, after everything was compared."""
    finished = {stage["name"]: stage for stage in card["stages"]}
    stages = [stage | finished[stage["name"]] for stage in manifest["stages"] if stage["name"] in finished]
    names = [stage["name"] for stage in manifest["stages"]]
    if not stages or [stage["name"] for stage in stages] != names[: len(stages)]:
        raise LandloomError("refused: the results do not begin with the first stage of their bundle")
    found = differences(stages, manifest, root)
    if found:
        more = f"\n  and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        lines = "".join(f"\n  {line}" for line in found[:_SHOWN])
        raise LandloomError(f"refused: these are results of other inputs than today's:{lines}{more}")
    check_records(stages, folder)
    short = [stage for stage in stages if "steps_done" in stage]
    if short and not partial:
        raise LandloomError(
            f"refused: {short[0]['name']} ended early: {_words(short[0])}. The schedule of its learning rate was cut, "
            "so it is no shorter training but part of one; --partial takes it all the same"
        )
    return stages


def _words(stage: dict[str, Any]) -> str:
    done = f"a model of {stage['steps_done']} of {stage['steps_planned']} steps, " if "steps_done" in stage else ""
    return f"{done}{stage['seconds']:.0f} s"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.unbundle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path, metavar="RESULTS", help="what run.py wrote")
    parser.add_argument("--partial", action="store_true", help="also take a training that ended early")
    parser.add_argument(
        "--limit-mb", type=float, default=10_000, metavar="N", help="refuse what unpacks to more (%(default)s)"
    )
    arguments = parser.parse_args()
    with told(OSError, archive.ArchiveError):
        unbundle(**vars(arguments))


if __name__ == "__main__":
    main()
