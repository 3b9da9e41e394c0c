"""Run several parameter sets of one target as DVC experiments, and compare them in one table and in MLflow.

    python -m flows.sweep rate -S "datasets.terrain.train.lr=[0.001, 0.0005]" --by evaluate.headline

Each set runs in its own clone under `.landloom/sweeps`, made of the last commit and the uncommitted changes. So the
checkout does not change: neither its files, nor its `dvc.lock`, nor its index. (`dvc exp run --queue` and `--temp`
use a stash of the workspace.) The clones share DVC's cache, so stages that a set does not change never run again.
They share checkpoints, so a stopped sweep continues. The experiments come back as git refs: `dvc exp show` lists
them and `dvc exp apply` takes one over.
"""

from __future__ import annotations

import argparse
import itertools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from prefect import allow_failure, flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import wait

from flows.outside.away import check_prefect
from flows.outside.git import check_repository, git
from flows.scale import apply_overlay
from flows.stages.artifacts import run_of
from flows.stages.checkout import assignments, nested
from flows.stages.form import hide
from flows.stages.graph import chosen, read_graph
from flows.stages.repro import Children, StageFailed, run_dvc
from flows.stages.scores import HEADLINE, Row, figures, headline, headline_of, ranked, table
from tasks.core import yaml12
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tasks.runs.provenance import git_state
from tasks.runs.secrets import redact
from tasks.runs.store import connect, tracking_uri

FOLDER = Path(".landloom/sweeps")


@flow(name="sweep", flow_run_name="sweep {name}", persist_result=False)
def sweep(
    name: str,
    grid: dict[str, list[Any]] = {},  # noqa: B006 - Prefect shows the defaults as a form
    sets: list[dict[str, Any]] = [],  # noqa: B006
    target: str = "evaluate@terrain",
    by: str = HEADLINE,
    largest_first: bool | None = None,
    jobs: int = 1,
    root: str = str(ROOT),
) -> list[Row]:
    """Run `target` with every combination of `grid`, or every one of `sets`, and compare by one metric.

    Args:
        name: value of the runs' tag `sweep` in MLflow; the experiments are NAME-1, NAME-2, …
        grid: dotted parameter to the values to try, as {"datasets.terrain.train.lr": [0.001, 0.0005]}.
        sets: dotted parameter to value, one mapping a run; with a grid, each set runs at each of its points.
        target: the stage to bring up to date for each set.
        by: stage and metric, as the stage's run has it in MLflow; `evaluate.headline` is the metric that the
            evaluation names as its headline.
        largest_first: whether larger is better; None reads it from the evaluation, and otherwise means smaller.
        jobs: number of sets at the same time.
        root: the checkout.
    Returns:
        A row for each set, best first: experiment, its parameters, the metric, the MLflow run that has it.
    Raises:
        LandloomError: something is wrong with a set; nothing was run. StageFailed: every set failed.
    """
    place, log = Path(root), get_run_logger()
    name = fresh_name(name, place)
    trials = combinations(grid, sets)
    for number, values in enumerate(trials, start=1):
        try:
            apply_overlay(nested(values), write=False, root=place)
        except LandloomError as error:
            raise LandloomError(f"set {number}: {error}") from None
    if target not in chosen(read_graph(place), [target]):
        raise LandloomError(f"{target}: name one stage of one dataset, as evaluate@terrain")
    _prepare_tracking(place, log)
    experiments = {f"{name}-{number}": values for number, values in enumerate(trials, start=1)}
    futures: dict[str, Any] = {}
    with Children() as children:
        for experiment, values in experiments.items():
            lane = [allow_failure(future) for future in list(futures.values())[-jobs:][:1] if len(futures) >= jobs]
            futures[experiment] = trial.submit(experiment, name, values, target, root, children, wait_for=lane)
        wait(list(futures.values()))
    done = {experiment: _done(future) for experiment, future in futures.items()}
    stage = f"{by.split('.')[0]}@{target.split('@')[1]}"
    if by == HEADLINE:
        by, better = headline([found for _, _, found in done.values() if found])
        largest_first = better == "higher" if largest_first is None else largest_first
    rows = [
        {"experiment": name, **experiments[name], by: figures.get(by), "run": runs.get(stage)}
        for name, (figures, runs, _) in done.items()
    ]
    rows = ranked(rows, by, bool(largest_first))
    create_table_artifact(key="sweep", table=rows, description=f"sweep {name} of {target}, by {by}")
    log.info("\n%s", table(rows))
    if all(row[by] is None for row in rows):
        known = sorted({figure for figures, _, _ in done.values() for figure in figures})
        why = (
            f"there is no figure {by}; there are {', '.join(known)}" if known else "every set failed; the log says why"
        )
        raise StageFailed(f"sweep {name}: {why}")
    return rows


hide(sweep, "root")


@task(task_run_name="{experiment}", cache_policy=NO_CACHE, persist_result=False)
def trial(
    experiment: str, name: str, values: dict[str, Any], target: str, root: str, children: Children
) -> tuple[dict[str, float], dict[str, str], dict[str, Any]]:
    """Run one set as a DVC experiment.

    Returns:
        Its figures (`stage.metric`), the MLflow run of each stage, and the headline of its evaluation.
    """
    log, place = get_run_logger(), Path(root)
    clone = place / FOLDER / experiment
    try:
        clone_checkout(place, clone)
        before = _entries(clone)
        apply_overlay(nested(values), write=True, root=clone)
        env = {"LANDLOOM_SWEEP": name, "DVC_EXP_NAME": experiment, "MLFLOW_TRACKING_URI": tracking_uri(place)}
        status, lines = run_dvc(["exp", "run", "--name", experiment, target], clone, children, log, **env)
        if status != 0:
            room = target.split("@")[0]
            told = [line for line in lines if re.match(rf"\w+@\w+: |ERROR|{room}", line)] or lines[-1:]
            raise StageFailed(f"{experiment}: {told[-1] if told else 'no output'}")
        ref = next(
            ref
            for ref in git(clone, "for-each-ref", "--format=%(refname)", "refs/exps").split()
            if ref.endswith(f"/{experiment}")
        )
        git(clone, "push", "--quiet", str(place), f"{ref}:{ref}")
        stages = [stage for stage, entry in _entries(clone).items() if entry.get("outs")]
        runs = {stage: run for stage in stages if (run := run_of(stage, clone))}
        touched = [run for stage, run in runs.items() if _entries(clone)[stage] != before.get(stage)]
        tag_runs(touched, name, experiment, place, log)
        dataset = target.split("@")[1]
        return figures(clone, dataset), runs, headline_of(clone, dataset)
    finally:
        shutil.rmtree(clone, ignore_errors=True)


def _prepare_tracking(root: Path, log: Any) -> None:
    """Make the tracking database here; a clone would make one that stores files in the clone."""
    try:
        connect(root)
    except Exception as error:  # noqa: BLE001 - stages run without MLflow
        log.warning("MLflow is away, so the runs of this sweep are recorded once it is back: %s", redact(str(error)))


def clone_checkout(root: Path, clone: Path) -> None:
    """Clone the checkout with its uncommitted changes into `clone`; data come from the shared cache."""
    commit, patch = git_state(root)
    if commit is None or patch is None:
        raise LandloomError(f"{root}: git cannot tell what is checked out here; commit first")
    shutil.rmtree(clone, ignore_errors=True)
    clone.parent.mkdir(parents=True, exist_ok=True)
    git(root, "clone", "--quiet", "--no-checkout", str(root), str(clone))
    git(clone, "checkout", "--quiet", "--detach", commit)
    if patch:
        subprocess.run(["git", "apply", "-"], cwd=clone, input=patch.encode(), check=True)
    for name in ("dvc.lock", ".dvc/config.local"):
        if (root / name).exists():
            shutil.copyfile(root / name, clone / name)
    (clone / ".landloom").symlink_to(root / ".landloom")
    with (clone / ".git" / "info" / "exclude").open("a") as exclude:
        exclude.write(".landloom\n")  # .gitignore names a folder, and a link is none
    with Repo(root) as repo:
        cache = repo.cache.local_cache_dir
    with Repo(clone) as repo, repo.config.edit("local") as config:
        config["cache"] |= {"dir": cache, "type": "reflink,hardlink,symlink,copy"}


def tag_runs(runs: list[str], name: str, experiment: str, root: Path, log: Any) -> None:
    """Tag the runs. A run of an earlier sweep that DVC's cache restored belongs to both sweeps."""
    try:
        client, _ = connect(root)
        for run in runs:
            tags = client.get_run(run).data.tags
            for tag, value in (("sweep", name), ("dvc.experiment", experiment)):
                known = [known for known in tags.get(tag, "").split(", ") if known]
                if value not in known:
                    client.set_tag(run, tag, ", ".join([*known, value]))
    except Exception as error:  # noqa: BLE001 - without MLflow only the tags are missing
        log.warning("%s: not every run could be tagged in MLflow: %s", experiment, error)


def combinations(grid: dict[str, list[Any]], sets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All sets to run: each combination of the grid, for each of the sets."""
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise LandloomError(f"{name}: a grid wants a list of values to try, as {name}=[1, 2]")
    lines = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    found = [base | line for base in (sets or [{}]) for line in lines]
    if found == [{}]:
        raise LandloomError("there is nothing to compare: give a grid or a list of sets")
    return found


def fresh_name(name: str, root: Path) -> str:
    """`name`, or `name-r2` and so on if it was used before, because a scheduled sweep repeats itself."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise LandloomError(f"{name}: a sweep's name is letters, digits, - and _")
    taken = {ref.rsplit("/", 1)[1] for ref in git(root, "for-each-ref", "--format=%(refname)", "refs/exps").split()}
    names = itertools.chain([name], (f"{name}-r{number}" for number in itertools.count(2)))
    return next(free for free in names if not any(re.fullmatch(rf"{free}-\d+", used) for used in taken))


def _done(future: Any) -> tuple[dict[str, float], dict[str, str], dict[str, Any]]:
    """A set's metrics, runs and headline; empty where it failed."""
    return future.state.result() if future.state.is_completed() else ({}, {}, {})


def _entries(root: Path) -> dict[str, Any]:
    path = root / "dvc.lock"
    return yaml12.load(path.read_text())["stages"] if path.exists() else {}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.sweep", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of the sweep; its runs carry it as a tag")
    parser.add_argument(
        "-S", "--grid", action="append", default=[], help="NAME=[VALUE, VALUE]: what to try", required=True
    )
    parser.add_argument("--target", default="evaluate@terrain", help="the stage to bring up to date for each set")
    parser.add_argument("--by", default=HEADLINE, help="STAGE.METRIC to sort by; the evaluation's headline")
    parser.add_argument(
        "--largest-first",
        action=argparse.BooleanOptionalAction,
        help="the larger the better; of the headline, the evaluation says it",
    )
    parser.add_argument("--jobs", type=int, default=1, help="sets side by side")
    given = parser.parse_args()
    with told(StageFailed, ValueError):
        check_repository(ROOT)
        check_prefect()
        grid = assignments(given.grid)
        combinations(grid, [])
        rows = sweep(given.name, grid, [], given.target, given.by, given.largest_first, given.jobs)
    print(table(rows))


if __name__ == "__main__":
    main()
