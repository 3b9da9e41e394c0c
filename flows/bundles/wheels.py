"""Packages that the target lacks. A bundle includes them ready to import, so nothing is installed on the target.

The versions are those installed here, which `requirements.lock` pins. pip downloads the wheels from the index or from
the places in its settings (PIP_INDEX_URL, PIP_FIND_LINKS).
"""

from __future__ import annotations

import importlib.metadata as metadata
import platform
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from flows.bundles.archive import safe_name
from flows.bundles.layout import PACKAGES
from tasks.core.errors import LandloomError

NEVER = "torch"
"""This package is never included, because it is large and built for the GPU and the driver of a machine."""

_GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")  # newest first; versions of clusters in use


def listed(text: str) -> dict[str, str]:
    """Parse the output of `pip list` or `pip freeze`; return from package to version.

    Raises:
        LandloomError: the target has no torch.
    """
    found = re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\s+|==)(\d\S*)", text, re.MULTILINE)
    packages = {canonicalize_name(name): version for name, version in found}
    if NEVER not in packages:
        raise LandloomError("--pip-list: the target has no torch; install it there, because a bundle never includes it")
    return packages


def lacking(modules: Iterable[str], there: dict[str, str], python: str, root: Path) -> dict[str, str]:
    """Return the packages, with versions, that `modules` need and that the target lacks or has in a wrong version.

    Args:
        there: the packages of the target, from name to version.
        python: the Python version of the target, such as 3.12.
        root: the checkout, whose pyproject.toml holds the requirements.
    """
    owners = metadata.packages_distributions()
    wanted: dict[str, SpecifierSet] = defaultdict(SpecifierSet)
    for text in tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]:
        wanted[canonicalize_name(Requirement(text).name)] &= Requirement(text).specifier
    target = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    waiting = [canonicalize_name(owners[module][0]) for module in modules if module in owners]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in reached or name == NEVER:
            continue
        reached.add(name)
        for requirement in map(Requirement, metadata.requires(name) or ()):
            if requirement.marker is None or requirement.marker.evaluate(target):
                wanted[canonicalize_name(requirement.name)] &= requirement.specifier
                waiting.append(canonicalize_name(requirement.name))
    lacks = (name for name in reached if name not in there or not wanted[name].contains(there[name], prereleases=True))
    return {name: metadata.version(name) for name in sorted(lacks)}


def fetch(packages: dict[str, str], python: str, into: Path) -> None:
    """Download the wheels of `packages` for Linux, this version of Python, and the processor type of this machine.

    Raises:
        LandloomError: pip found no wheel for a package.
    """
    processor = platform.machine()
    platforms = [f"--platform=manylinux_{glibc}_{processor}" for glibc in _GLIBC]
    platforms += [f"--platform=manylinux{year}_{processor}" for year in ("2014", "2010", "1")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", f"--python-version={python}", *platforms, f"--dest={into}"]
    done = subprocess.run(
        [*command, *(f"{name}=={version}" for name, version in packages.items())], capture_output=True
    )
    if done.returncode:
        said = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("ERROR")]
        raise LandloomError(f"--wheels: pip: {(said or ['it failed'])[-1]}")


def unpack(wheels: Path, into: Path) -> dict[str, Path]:
    """Unpack all wheels of a folder as pip would, without scripts; return from archive name to file."""
    files: dict[str, Path] = {}
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as source:
            for entry in source.infolist():
                name = _installed(entry.filename)
                if entry.is_dir() or name is None:
                    continue
                safe_name(name)
                target = into / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read(entry))
                files[f"{PACKAGES}/{name}"] = target
    return files


def _installed(name: str) -> str | None:
    """Return the path of a wheel's file in the folder of packages, or None if it does not belong there."""
    first, _, rest = name.partition("/")
    if not first.endswith(".data"):
        return name
    scheme, _, rest = rest.partition("/")
    return rest if scheme in ("purelib", "platlib") else None
