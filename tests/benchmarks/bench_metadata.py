"""Random rasters of a known ground through acquire and project: each is right, or refused by name."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tests.through_metadata import try_rasters

EXAMPLES, BATCH, SEED = 1000, 100, 1
TOY = {"EXAMPLES": 12, "BATCH": 12}


def run() -> list[tuple[str, str, str]]:
    """Count what became of the examples, and name those that are wrong."""
    right, wrong, refused = 0, [], Counter()
    for start in range(0, EXAMPLES, BATCH):
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
            found = try_rasters(Path(folder), min(BATCH, EXAMPLES - start), SEED + start)
        right, refused = right + found.right, refused + found.refused
        wrong += found.wrong
    for line in wrong:
        print(f"wrong: {line}", flush=True)
    reasons = "; ".join(f"{count} {reason}" for reason, count in refused.most_common(6))
    return [
        (f"{EXAMPLES} random rasters of a known ground: wrong in silence", f"{len(wrong)}", "0"),
        ("  right within the grid's error", f"{right}", f"≥ {EXAMPLES // 3}"),
        ("  refused by name", f"{sum(refused.values())} ({reasons})", ""),
    ]
