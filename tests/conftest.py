"""Fixtures shared by the tests, and what keeps them off the network and out of the real run store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
REALDATA = TESTS.parents[1] / "shared" / "realdata"

for _name, _value in {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1"}.items():
    os.environ[_name] = _value
# Places of their own on this host: tests wait for nobody's stages, and nobody waits for theirs.
_places = tempfile.TemporaryDirectory(prefix="landloom-tests-")
os.environ["LANDLOOM_HOST_DIR"] = _places.name

LONGEST = (
    "pipeline/test_repro",
    "flows/test_dispatch",
    "pipeline/test_reproduce",
    "pipeline/test_killed",
    "pipeline",
    "flows/test_deployments",
    "flows",
    "runs/test_secrets",
    "infra/test_services",
    "runs",
)
"""Files and folders of tests that take longest, longest first: started last, one process would work on one alone."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of `LONGEST` first; within a file, and among the others, the order stays."""
    items.sort(key=lambda item: _rank(item.path.relative_to(TESTS).as_posix()))


def _rank(path: str) -> int:
    return next((place for place, name in enumerate(LONGEST) if path.startswith(name)), len(LONGEST))


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real rasters beside the checkout; tests that want it are skipped where it is missing."""
    if not REALDATA.is_dir():
        pytest.skip("no folder of real rasters beside this checkout")
    return REALDATA


@pytest.fixture(autouse=True)
def _no_store_of_another_test() -> Iterator[None]:
    """MLflow's `set_tracking_uri` writes into the environment, where the next test would find it."""
    forget_stores()
    yield
    forget_stores()


def forget_stores() -> None:
    """Take from the environment where runs are recorded. `monkeypatch` would put it back, or leave what it found."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        os.environ.pop(name, None)
