"""The pipeline's graph, as DVC itself has it: there is no second list of edges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dvc.repo import Repo

Graph = dict[str, set[str]]
"""Stage instance (`select@terrain`) to the instances it depends on directly."""


def read_graph(root: Path) -> Graph:
    """Every stage instance of `dvc.yaml` under `root`, with its direct dependencies."""
    with Repo(root) as repo:
        graph = repo.index.graph
        # `name`, not `addressing`: the latter depends on the working directory.
        return {stage.name: {needed.name for needed in graph.successors(stage)} for stage in graph.nodes}


def ordered(graph: Graph) -> list[str]:
    """Topological order, dependencies first; ties by name, so that the order is always the same."""
    done: list[str] = []
    waiting = {stage: set(needs) for stage, needs in graph.items()}
    while waiting:
        ready = sorted(stage for stage, needs in waiting.items() if not needs)
        done += ready
        waiting = {stage: needs - set(ready) for stage, needs in waiting.items() if stage not in ready}
    return done


def chosen(graph: Graph, targets: Iterable[str] = (), start: str | None = None) -> Graph:
    """The part of the graph that is needed for `targets` (all when empty) and follows `start`.

    A name without `@` means that stage of every dataset. Raises ValueError for an unknown name.
    """
    wanted = _with_needs(graph, _named(graph, targets)) if targets else set(graph)
    if start is not None:
        followers = {stage: {other for other, needs in graph.items() if stage in needs} for stage in graph}
        wanted &= _with_needs(followers, _named(graph, [start]))
    return {stage: needs & wanted for stage, needs in graph.items() if stage in wanted}


def _named(graph: Graph, names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        matches = {stage for stage in graph if name in (stage, stage.split("@")[0])}
        if not matches:
            raise ValueError(f"there is no stage {name!r}; there are {', '.join(sorted(graph))}")
        found |= matches
    return found


def _with_needs(graph: Graph, stages: set[str]) -> set[str]:
    reached: set[str] = set()
    waiting = set(stages)
    while waiting:
        stage = waiting.pop()
        reached.add(stage)
        waiting |= graph[stage] - reached
    return reached
