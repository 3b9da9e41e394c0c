"""Carried packages: which ones a target lacks, and how a wheel is laid out. pip is real, its index a folder."""

from __future__ import annotations

import importlib.metadata
import zipfile

import pytest

from flows.bundles.wheels import fetch, lacking, listed, unpack
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT

TABLE = "Package    Version\n---------- -------\ntorch      2.9.0\nPyYAML     6.0.2\nnumpy      1.26.4\n"


def test_both_ways_in_which_pip_lists_packages_are_read():
    assert listed(TABLE) == {"torch": "2.9.0", "pyyaml": "6.0.2", "numpy": "1.26.4"}
    assert listed("torch==2.9.0\nPyYAML==6.0.2\n-e git+https://example.org#egg=x\n") == {
        "torch": "2.9.0",
        "pyyaml": "6.0.2",
    }
    with pytest.raises(LandloomError, match="has no torch"):
        listed("numpy 2.0.0\n")


def test_what_is_absent_or_too_old_is_carried_and_torch_never():
    found = lacking(["yaml", "numpy", "torch", "accelerate"], listed(TABLE), "3.11", ROOT)
    assert found["numpy"] == importlib.metadata.version("numpy"), "pyproject.toml asks for 2.0"
    assert {"accelerate", "huggingface-hub", "psutil"} <= set(found), "what a package needs comes with it"
    assert not {"torch", "pyyaml"} & set(found) and not any(name.startswith("nvidia") for name in found)
    whole = {name: importlib.metadata.version(name) for name in found} | {"torch": "2.9.0", "pyyaml": "6.0.2"}
    assert lacking(["yaml", "numpy", "torch", "accelerate"], whole, "3.11", ROOT) == {}


def test_wheels_come_from_where_pip_is_told_and_are_laid_out_as_it_would(tmp_path, monkeypatch):
    (tmp_path / "index").mkdir()
    with zipfile.ZipFile(tmp_path / "index/crumb-1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("crumb/__init__.py", "taste = 'good'\n")
        wheel.writestr("crumb-1.2.data/purelib/crumb_more.py", "")
        wheel.writestr("crumb-1.2.data/scripts/crumb", "#!python\n")
        wheel.writestr("crumb-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: crumb\nVersion: 1.2\n")
        wheel.writestr("crumb-1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("crumb-1.2.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    fetch({"crumb": "1.2"}, "3.12", tmp_path / "wheels")
    files = unpack(tmp_path / "wheels", tmp_path / "packages")
    assert {"packages/crumb/__init__.py", "packages/crumb_more.py", "packages/crumb-1.2.dist-info/METADATA"} < set(
        files
    )
    assert not any("scripts" in name or name.endswith("/crumb") for name in files)
    assert files["packages/crumb/__init__.py"].read_text() == "taste = 'good'\n"
    with pytest.raises(LandloomError, match="--wheels: pip: ERROR"):
        fetch({"crumb": "9.9"}, "3.12", tmp_path / "none")
