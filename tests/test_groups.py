"""Tests of one file share a process, and with it what they prepare once."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from tests.conftest import group


def test_groups_are_files_unless_named_otherwise():
    assert group("tests/flows/test_dispatch.py::test_a") == group("tests/flows/test_dispatch.py::test_b[x/y::z]")
    assert group("tests/flows/test_pipeline.py::test_a") == group("tests/flows/test_sweep.py::test_b") == "prefect"
    one, other = (f"tests/benchmarks/test_alive.py::test_a_benchmark_runs[{name}]" for name in ("dvc", "flow"))
    assert group(one) != group(other)


def test_two_processes_run_a_file_each(tmp_path):
    """The installed releases keep a file together: one of them broke that without a word."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-vvv",
        "-n",
        "2",
        "-p",
        "no:cacheprovider",
        "tests/core/test_names.py",
    ]
    command += ["tests/core/test_compiled.py", "--basetemp", str(tmp_path / "base")]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout[-3000:]
    places = set(re.findall(r"\[(gw\d)\].* PASSED (tests/core/test_\w+\.py)", done.stdout))
    assert len(places) == len({path for _, path in places}) == 2, places
