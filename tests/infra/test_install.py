"""`make setup` says how far it is, keeps pip's chatter to itself, and shows pip's reason where it fails."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tasks.core.settings import ROOT


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """A new environment with pip, and a folder of two small packages in place of an index."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "env", with_pip=True)
    (folder / "wheels").mkdir()
    for name in ("one", "two"):
        with zipfile.ZipFile(folder / "wheels" / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            info = f"{name}-1.0.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


def install(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    (folder / "some.lock").write_text(lock)
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels"), "PIP_CONFIG_FILE": "/dev/null"}
    command = [folder / "env/bin/python", ROOT / "infra/install.py", folder / "some.lock"]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


def test_progress_is_told_and_everything_installed(environment):
    done = install(environment, "one==1.0\ntwo==1.0\n")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("environment: installing the packages of") and "2 of 2 packages" in lines[-1]
    assert all(line.startswith("environment: ") for line in lines) and not done.stderr
    code = "import one, two"
    subprocess.run([environment / "env/bin/python", "-c", code], check=True)


def test_the_reason_of_a_failure_is_shown(environment):
    done = install(environment, "one==1.0\nthree==9.9\n")
    assert done.returncode != 0 and "No matching distribution found for three==9.9" in done.stderr


def test_setup_uses_it_and_needs_nothing_installed():
    assert "$(BIN)/python infra/install.py requirements.lock" in (ROOT / "Makefile").read_text()
    code = "import sys, runpy; sys.modules['numpy'] = None; runpy.run_path('infra/install.py')"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=ROOT, check=True)
