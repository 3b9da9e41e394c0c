"""What a flow on a warm Prefect server costs above bare `dvc repro`: a stage, and when there is nothing to do."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tasks.core.settings import ROOT
from tests.flows.stand import everything_up_to_date, new_repository, prefect_server

REPEATS, STAGES = 5, 8
WARM = 2  # runs that do not count: one each way
TOY = {"REPEATS": 1, "STAGES": 1, "WARM": 0}
FLOW = "import sys; from flows.pipeline import pipeline; pipeline(root=sys.argv[1])"


def run() -> list[tuple[str, str, str]]:
    """Medians of five runs each, the two ways by turns so that a busy moment meets both."""
    with tempfile.TemporaryDirectory() as folder, prefect_server(Path(folder)) as env:

        def seconds(command: list[str], root: Path) -> float:
            started = time.perf_counter()
            subprocess.run(command, cwd=root, env=env, check=True, capture_output=True)
            return time.perf_counter() - started

        def both(root: Path, change: bool) -> tuple[float, float]:
            pairs = []
            for turn in range(2 * REPEATS + WARM):
                if change:  # a value that was never there, so that every stage runs
                    (root / "params.yaml").write_text(f"value: {turn}\n")
                flow = seconds([sys.executable, "-c", FLOW, str(root)], ROOT) if turn % 2 else None
                pairs.append(flow or seconds(["dvc", "repro"], root))
            return statistics.median(pairs[WARM::2]), statistics.median(pairs[WARM + 1 :: 2])

        chain = new_repository(Path(folder) / "chain", _chain(), "value: -1\n")
        bare, flow = both(chain, change=True)
        everything = Path(folder) / "all"
        count = len(everything_up_to_date(everything))
        idle_bare, idle_flow = both(everything, change=False)
    return [
        (
            f"flow above `dvc repro`, for each of {STAGES} stages in a row that all run",
            f"{(flow - bare) / STAGES:.2f} s ({flow:.1f} against {bare:.1f} s)",
            "≤ 1 s",
        ),
        (
            f"flow against `dvc repro` where all {count} stages are unchanged",
            f"{idle_flow / idle_bare:.2f}× ({idle_flow:.2f} against {idle_bare:.2f} s)",
            "≤ 3×",
        ),
    ]


def _chain() -> str:
    stages = "".join(
        f"  s{number}:\n    cmd: cp params.yaml {number}.txt\n    params: [value]\n    outs: [{number}.txt]\n"
        + (f"    deps: [{number - 1}.txt]\n" if number else "")
        for number in range(STAGES)
    )
    return f"stages:\n{stages}"
