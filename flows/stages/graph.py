"""The pipeline's graph and state, read from DVC itself: there is no second list of edges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dvc.lock import LockError
from dvc.repo import Repo
from dvc.repo import lock_repo as locked
from dvc.stage import Stage

Graph = dict[str, set[str]]
"""Stage instance (`select@terrain`) to the instances it depends on directly."""


@dataclass(frozen=True)
class Plan:
    """DVC's view before anything runs: the graph, and the stages that are up to date."""

    graph: Graph
    unchanged: frozenset[str]


def read_graph(root: Path) -> Graph:
    """Every stage instance of `dvc.yaml` under `root`, with its direct dependencies."""
    with Repo(root) as repo:
        return _edges(repo)


def read_plan(root: Path) -> Plan:
    """The graph, and which stages `dvc repro --single-item` would find unchanged at this moment.

    Reading it costs as much as one `dvc` process. It is valid for a stage until a stage upstream writes. A stage that
    another process is writing counts as changed.
    """
    with Repo(root, _wait_for_lock=True) as repo, locked(repo):
        graph = _edges(repo)
        return Plan(graph, frozenset(stage.name for stage in repo.index.stages if not _changed(stage)))


def _edges(repo: Repo) -> Graph:
    graph = repo.index.graph
    # `name`, not `addressing`: the latter depends on the working directory.
    return {stage.name: {needed.name for needed in graph.successors(stage)} for stage in graph.nodes}


def _changed(stage: Stage) -> bool:
    """The check that `dvc repro` makes before it skips a stage."""
    try:
        return stage.changed()
    except LockError:
        return True


def ordered(graph: Graph) -> list[str]:
    """Topological order, dependencies first; names order the rest, so that the result is always the same."""
    done: list[str] = []
    waiting = {stage: set(needs) for stage, needs in graph.items()}
    while waiting:
        ready = sorted(stage for stage, needs in waiting.items() if not needs)
        done += ready
        waiting = {stage: needs - set(ready) for stage, needs in waiting.items() if stage not in ready}
    return done


def chosen(graph: Graph, targets: Iterable[str] = (), start: str | None = None) -> Graph:
    """The part of the graph that `targets` need (all when empty) and that follows `start`.

    `train` means that stage of every dataset, `@terrain` every stage of that dataset. Raises ValueError
    for an unknown name.
    """
    wanted = _with_needs(graph, named(graph, targets)) if targets else set(graph)
    if start is not None:
        followers = {stage: {other for other, needs in graph.items() if stage in needs} for stage in graph}
        wanted &= _with_needs(followers, named(graph, [start]))
    return {stage: needs & wanted for stage, needs in graph.items() if stage in wanted}


def named(graph: Graph, names: Iterable[str]) -> set[str]:
    """The stage instances that `names` mean; raises ValueError for a name that means none."""
    found: set[str] = set()
    for name in names:
        matches = {stage for stage in graph if name in _names(stage)}
        if not matches:
            raise ValueError(f"there is no stage {name!r}; there are {', '.join(sorted(graph))}")
        found |= matches
    return found


def _names(stage: str) -> set[str]:
    verb, at, dataset = stage.partition("@")
    return {stage, verb, at + dataset} - {""}


def _with_needs(graph: Graph, stages: set[str]) -> set[str]:
    reached: set[str] = set()
    waiting = set(stages)
    while waiting:
        stage = waiting.pop()
        reached.add(stage)
        waiting |= graph[stage] - reached
    return reached
