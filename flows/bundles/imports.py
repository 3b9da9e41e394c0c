"""Imports of the code of a stage, read from its source: our own modules, and third-party packages."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

OWN = ("tasks", "models", "flows")
BOOKKEEPING = "tasks/runs"
"""Folder of modules that import optional packages, such as MLflow, in functions. They need only top-level imports."""


def reach(files: Iterable[Path], root: Path) -> set[Path]:
    """Return `files` and all of our own modules that they import, directly or indirectly, also inside functions."""
    reached: set[Path] = set()
    waiting = list(files)
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += imports(path, root)
    return reached


def imports(path: Path, root: Path, packages: Collection[str] = OWN) -> list[Path]:
    """Return the files of the modules in `packages` that one file imports, and of their parent packages."""
    found: list[Path] = []
    for name in _names(path, inside=True):
        parts = name.split(".")
        if parts[0] in packages:
            bases = [root.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
            found += [
                each for base in bases for each in (base.with_suffix(".py"), base / "__init__.py") if each.exists()
            ]
    return found


def strangers(files: Iterable[Path], root: Path) -> set[str]:
    """Return the top-level names of the third-party modules that `files` import directly."""
    found: set[str] = set()
    for path in files:
        inside = root / BOOKKEEPING not in path.parents
        found |= {name.split(".")[0] for name in _names(path, inside)}
    return found - set(OWN) - sys.stdlib_module_names


def _names(path: Path, inside: bool) -> list[str]:
    """Return the modules that a file imports: with `inside`, also inside functions; otherwise only at the top level."""
    tree = ast.parse(path.read_text(), str(path))
    names: list[str] = []
    for node in ast.walk(tree) if inside else tree.body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{path}: relative imports hide which room is meant; write the full name")
        elif isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names
