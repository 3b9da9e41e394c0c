"""The data that a stage reads, one path a line; `flows/worker.py` fetches them into its clone.

python -m flows.elsewhere.needs train@terrain
"""

from __future__ import annotations

import sys
from pathlib import Path

from tasks.core.dag import stage_entry


def needs(stage: str, root: Path) -> list[str]:
    """Return the dependencies of a stage that are data."""
    return [path for path in stage_entry(*stage.split("@"), root).deps if path.startswith("data/")]


if __name__ == "__main__":
    print(*needs(sys.argv[1], Path()), sep="\n")
