"""New imagery in, and only what it touches runs again.

    python -m flows.refresh terrain

DVC sees what a stage depends on inside the checkout, and neither a folder of rasters outside it nor a
catalogue on the network. So acquire is made to look (what it has is fetched again only if its server has
another file by now), and its outputs decide: if they are the same bytes, everything stays as it was, down
to the id of the run that made them; if not, DVC runs what depends on them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo
from dvc.repo import lock_repo as locked
from dvc.utils.serialize import modify_yaml
from prefect import flow, get_run_logger

from flows.outside.away import check_prefect
from flows.pipeline import pipeline, print_outcomes
from flows.stages.checkout import checkout
from flows.stages.graph import named, read_graph
from flows.stages.repro import Children, StageFailed, patient
from tasks.core.command import told
from tasks.core.settings import ROOT

LOCK = "dvc.lock"


@flow(name="refresh", flow_run_name="refresh {dataset}", persist_result=False)
def refresh(dataset: str, root: str = str(ROOT)) -> dict[str, str]:
    """Look for new imagery of `dataset`, and bring everything that it touches up to date.

    Returns the outcome of each of the dataset's stages. Raises StageFailed where a stage failed; if that is
    acquire, because its source is away, the data stay as they were.
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


def _look(stage: str, root: Path) -> str | None:
    """Run acquire whatever DVC thinks of it; returns what it said if it failed."""
    settings = yaml.safe_load((root / "params.yaml").read_text())
    with Children() as children:
        future = patient(stage, settings, children).submit(
            stage, str(root), needs=[], settled=False, force=True, children=children
        )
        future.wait()
    return None if future.state.is_completed() else str(future.state.result(raise_on_failure=False))


def lock_entry(stage: str, root: Path) -> dict[str, Any] | None:
    """What `dvc.lock` says of a stage."""
    path = root / LOCK
    return (yaml.safe_load(path.read_text()) if path.exists() else {}).get("stages", {}).get(stage)


def _same(before: dict[str, Any], after: dict[str, Any] | None) -> bool:
    """Whether two entries differ in nothing but the file that names the run."""
    return after is not None and _without_run(before) == _without_run(after)


def _without_run(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"outs": [out for out in entry.get("outs", []) if "/runs/" not in out["path"]]}


def _put_back(stage: str, entry: dict[str, Any] | None, root: Path) -> None:
    """Make DVC and the files say of the stage what they said before."""
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
        check_prefect()
        print_outcomes(refresh(given.dataset))


if __name__ == "__main__":
    main()
