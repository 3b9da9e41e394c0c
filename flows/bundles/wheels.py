"""Packages that the other machine lacks, carried ready to import: nothing is installed there.

The versions are those installed here, which the lock pins. pip fetches their wheels, from the index or from wherever
its own settings (PIP_INDEX_URL, PIP_FIND_LINKS) say.
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
"""Large, and built for the GPU and driver of its machine."""

_GLIBC = ("2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")  # newest first; of clusters that are in use today


def listed(text: str) -> dict[str, str]:
    """Package to version, from what `pip list` or `pip freeze` printed.

    Raises:
        LandloomError: torch is not among them.
    """
    found = re.findall(r"^([A-Za-z0-9][\w.-]*)(?:\s+|==)(\d\S*)", text, re.MULTILINE)
    packages = {canonicalize_name(name): version for name, version in found}
    if NEVER not in packages:
        raise LandloomError("--pip-list: the target has no torch; install it there, because a bundle never carries it")
    return packages


def lacking(modules: Iterable[str], there: dict[str, str], python: str, root: Path) -> dict[str, str]:
    """Package to version of what `modules` need and the target has not, or has in a version that does not do.

    Args:
        there: the target's packages. python: its version, as 3.12.
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
    """Download the wheels of `packages` for that Python on a processor like this one's, Linux.

    Raises:
        LandloomError: pip found no wheel of one of them.
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
    """Archive name to file of everything in the wheels of a folder, laid out as pip would; scripts stay behind."""
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
    """Where a file of a wheel lies among the packages; None where it does not go there."""
    first, _, rest = name.partition("/")
    if not first.endswith(".data"):
        return name
    scheme, _, rest = rest.partition("/")
    return rest if scheme in ("purelib", "platlib") else None
