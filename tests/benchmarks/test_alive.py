"""Every benchmark still imports: a moved module or a renamed function shows here and not months later."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as benchmarks

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(benchmarks.__file__).parent.glob("bench_*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_imports(name):
    assert callable(importlib.import_module(f"tests.benchmarks.bench_{name}").run)
