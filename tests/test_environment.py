"""The pinned set must run, not only resolve: no resolver notices what these catch."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from tasks.core.settings import ROOT

PINS = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split())


def test_the_lock_holds_exact_pins_and_no_addresses():
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._]+", line), line


@pytest.mark.parametrize("name", ["dvc", "mlflow", "torch", "accelerate", "rasterio", "pyarrow", "prefect", "fastapi"])
def test_the_environment_is_the_locked_one(name):
    assert version(name).split("+")[0] == PINS[name]


def test_prefect_and_its_server_import():
    # Prefect 3.8 resolved with newer releases of FastAPI and died when its server was imported.
    code = "import prefect, prefect.server.api.server"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=120)
