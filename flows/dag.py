"""The stages of a dataset in their order, and the stages that each reads from: DVC's own graph in 80 columns.

    python -m flows.dag terrain

`dvc dag` draws the same graph with hundreds of columns. `python -m flows.pipeline --dry` says what would run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.stages.graph import chosen, ordered, read_graph
from tasks.core.command import told
from tasks.core.settings import ROOT


def drawn(dataset: str, root: Path = ROOT) -> str:
    """The graph of one dataset as text, a line for each stage.

    Raises:
        ValueError: there is no such dataset.
    """
    graph = chosen(read_graph(root), [f"@{dataset}"])
    order = ordered(graph)
    width = max(map(len, order))
    lines = []
    for stage in order:
        needs = ", ".join(need.partition("@")[0] for need in order if need in graph[stage])
        lines.append(f"{stage:{width}}  ← {needs}" if needs else stage)
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.dag", description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    given = parser.parse_args()
    with told(ValueError):
        print(drawn(given.dataset))


if __name__ == "__main__":
    main()
