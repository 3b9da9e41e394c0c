"""Run the benchmarks and print one table: `python -m tests.benchmarks [name …]`.

Figures are ratios within one run, because absolute times on a shared machine mean little.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Run the named benchmarks, or all."""
    names = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*names, []], help="which benchmarks (default: all)")
    chosen = parser.parse_args().names or names
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n", flush=True)
    print("| measured | result | bar |\n|---|---|---|", flush=True)
    for name in chosen:
        for what, measured, bar in importlib.import_module(f"tests.benchmarks.bench_{name}").run():
            print(f"| {what} | {measured} | {bar} |", flush=True)


if __name__ == "__main__":
    main()
