"""Run the benchmarks and print one table: `python -m tests.benchmarks [name …]`.

Figures are ratios within one run, because absolute times on a shared machine mean little.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from pathlib import Path

from tests.benchmarks.fresh import nothing_left

HERE = Path(__file__).parent


def main() -> None:
    """Run the named benchmarks, or all."""
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*names, []], help="which benchmarks (default: all)")
    chosen = parser.parse_args().names or names
    rows = []
    with nothing_left():
        for name in chosen:  # stages print their progress while they are measured, so the table comes last and whole
            print(f"measuring {name}", flush=True)
            rows += importlib.import_module(f"tests.benchmarks.bench_{name}").run()
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| measured | result | bar |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
