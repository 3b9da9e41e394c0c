"""Look for new imagery of a dataset, and run again only the stages that it changes.

    python -m flows.refresh terrain

DVC sees changes inside the checkout. It sees neither a folder of rasters outside nor a catalogue on the network. So
this flow forces acquire to run; acquire fetches a file again only if the server has a newer one. If the outputs have
the same bytes as before, everything stays as it was, including the id of the run that made them. If not, DVC runs the
stages that depend on them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.repo import lock_repo as locked
from dvc.utils.serialize import modify_yaml
from prefect import flow, get_run_logger

from flows.outside.away import check_prefect
from flows.outside.git import check_repository
from flows.pipeline import pipeline, print_outcomes
from flows.stages.checkout import checkout
from flows.stages.form import hide
from flows.stages.graph import named, read_graph
from flows.stages.repro import Children, StageFailed, patient
from tasks.core import yaml12
from tasks.core.command import told
from tasks.core.settings import ROOT

LOCK = "dvc.lock"


@flow(name="refresh", flow_run_name="refresh {dataset}", persist_result=False)
def refresh(dataset: str, root: str = str(ROOT)) -> dict[str, str]:
    """Look for new imagery of `dataset`, and bring the stages that depend on it up to date.

    Returns the outcome of each of the dataset's stages. Raises StageFailed where a stage failed. If acquire fails,
    for example because its source is unreachable, the data stay as they were.

    Args:
        dataset: a key of `datasets` in params.yaml.
        root: the checkout.
    """
    place, log = Path(root), get_run_logger()
    stage = f"acquire@{dataset}"
    named(read_graph(place), [stage])
    with checkout(place, {}, log.info):
        before = lock_entry(stage, place)
        looked = _look(stage, place)
        if looked is not None:
            _put_back(stage, before, place)
            raise StageFailed(f"{looked}; the data are as they were")
        if before is not None and _same(before, lock_entry(stage, place)):
            _put_back(stage, before, place)
            log.info("%s: nothing new", stage)
        else:
            log.info("%s: new imagery", stage)
    return pipeline([f"@{dataset}"], root=root)


hide(refresh, "root")


def _look(stage: str, root: Path) -> str | None:
    """Force acquire to run; returns its message if it failed, else None."""
    settings = yaml12.load((root / "params.yaml").read_text())
    with Children() as children:
        future = patient(stage, settings, children).submit(
            stage, str(root), needs=[], settled=False, force=True, children=children
        )
        future.wait()
    return None if future.state.is_completed() else str(future.state.result(raise_on_failure=False))


def lock_entry(stage: str, root: Path) -> dict[str, Any] | None:
    """The entry of a stage in `dvc.lock`."""
    path = root / LOCK
    return (yaml12.load(path.read_text()) if path.exists() else {}).get("stages", {}).get(stage)


def _same(before: dict[str, Any], after: dict[str, Any] | None) -> bool:
    """Whether two entries are equal except for the run file."""
    return after is not None and _without_run(before) == _without_run(after)


def _without_run(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"outs": [out for out in entry.get("outs", []) if "/runs/" not in out["path"]]}


def _put_back(stage: str, entry: dict[str, Any] | None, root: Path) -> None:
    """Restore the stage's former entry in `dvc.lock` and its former files."""
    if entry is None:
        return
    with Repo(root, _wait_for_lock=True) as repo, locked(repo), modify_yaml(root / LOCK) as lock:
        lock["stages"][stage] = entry
    subprocess.run(
        [sys.executable, "-m", "dvc", "--wait-for-lock", "checkout", "--quiet", "--force", stage], cwd=root, check=True
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.refresh", description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    given = parser.parse_args()
    with told(StageFailed, ValueError):
        check_repository(ROOT)
        check_prefect()
        print_outcomes(refresh(given.dataset))


if __name__ == "__main__":
    main()
