"""Random rasters of a known ground through acquire and project: each is right, or refused by name."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tests.through_metadata import INNER, RIM, try_rasters

EXAMPLES, BATCH, SEED = 1000, 100, 1
TOY = {"EXAMPLES": 12, "BATCH": 12}


def run() -> list[tuple[str, str, str]]:
    """Count what became of the examples, and name those that are wrong."""
    right, wrong, refused, inner, rim = 0, [], Counter(), 0.0, 0.0
    for start in range(0, EXAMPLES, BATCH):
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
            found = try_rasters(Path(folder), min(BATCH, EXAMPLES - start), SEED + start)
        right, refused = right + found.right, refused + found.refused
        wrong += found.wrong
        inner, rim = max(inner, found.inner), max(rim, found.rim)
    for line in wrong:
        print(f"wrong: {line}", flush=True)
    reasons = "; ".join(f"{count} {reason}" for reason, count in refused.most_common(6))
    return [
        (f"{EXAMPLES} random rasters of a known ground: wrong in silence", f"{len(wrong)}", "0"),
        ("  right within the grid's error", f"{right}", f"≥ {EXAMPLES // 3}"),
        ("  largest error of a pixel, beyond the step of its numbers", f"{inner:.2f} m", f"≤ {INNER:.2f} m"),
        ("  likewise within two pixels of a void or an edge", f"{rim:.2f} m", f"≤ {RIM:.2f} m"),
        ("  refused by name", f"{sum(refused.values())} ({reasons})", ""),
    ]
