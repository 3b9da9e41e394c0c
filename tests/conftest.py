"""Fixtures for all tests; and settings that keep tests from the network and from the real run store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import tasks  # noqa: F401 - fixes the arithmetic, so it comes before whatever loads numpy
from tasks.runs import store
from tests.templates import mlflow_database

TESTS = Path(__file__).resolve().parent
REALDATA = TESTS.parents[1] / "shared" / "realdata"

for _name, _value in {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1"}.items():
    os.environ[_name] = _value
for _name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # of a `make test` above; a `make` in a test is not its part
    os.environ.pop(_name, None)
settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("untimed")
# Own places on this host: tests and other stages on this machine do not wait for each other.
_places = tempfile.TemporaryDirectory(prefix="landloom-tests-")
os.environ["LANDLOOM_HOST_DIR"] = _places.name

LONGEST = (
    "pipeline/test_repro",
    "flows/test_dispatch",
    "strangers",
    "pipeline/test_killed",
    "flows/test_deployments",
    "pipeline/test_reproduce",
    "pipeline",
    "benchmarks",
    "flows",
    "runs/test_secrets",
    "infra/test_services",
    "runs",
    "train",
    "evaluate",
    "generate",
    "label",
    "project",
)
"""Test files and folders that take longest, longest first. Started last, one would keep one process busy alone."""


TOGETHER = {
    **{f"flows/test_{name}.py": "prefect" for name in ("deployments", "pipeline", "sweep", "parameters")},  # one server
    "label/test_label.py": "umap",  # numba compiles UMAP once in a process, which takes longer than the tests
    "benchmarks/test_alive.py::test_a_benchmark_runs[label]": "umap",
    "benchmarks/test_alive.py::test_a_benchmark_runs[arithmetic]": "umap",
}
"""Tests, or files of tests, of which one process runs all of a group. The others form a group for each file."""
APART = "benchmarks/test_alive.py"
"""Each test of this file may run in another process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of `LONGEST` first; otherwise the order stays."""
    items.sort(key=lambda item: _rank(item.path.relative_to(TESTS).as_posix()))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all tests of a group to one process. Marks of groups have no effect with pytest-xdist 3.8 on pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return Groups(config, log)


def group(nodeid: str) -> str:
    """The group of a test: one of `TOGETHER`, or its file; a test of `APART` is alone."""
    name = nodeid.removeprefix(f"{TESTS.name}/")
    path = name.partition("::")[0]
    return TOGETHER.get(name) or TOGETHER.get(path) or (name if path == APART else path)


def _rank(path: str) -> int:
    return next((place for place, name in enumerate(LONGEST) if path.startswith(name)), len(LONGEST))


@pytest.fixture(autouse=True, scope="session")
def _one_database() -> Iterator[None]:
    """Copy new databases of MLflow instead of making each by its migrations. Other processes make theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_make_sqlite", mlflow_database(store._make_sqlite))
        yield


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real rasters beside the checkout; skips the test where it is missing."""
    if not REALDATA.is_dir():
        pytest.skip("no folder of real rasters beside this checkout")
    return REALDATA


@pytest.fixture(autouse=True)
def _no_store_of_another_test() -> Iterator[None]:
    """Clear MLflow's address: `set_tracking_uri` writes it into the environment, where the next test would find it."""
    forget_stores()
    yield
    forget_stores()


def forget_stores() -> None:
    """Remove MLflow's address from the environment. `monkeypatch` would restore an address that a test had set."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        os.environ.pop(name, None)
