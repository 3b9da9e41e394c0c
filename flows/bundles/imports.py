"""What the code of a stage imports, read from the sources: our own modules, and packages of others."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

OWN = ("tasks", "models", "flows")
BOOKKEEPING = "tasks/runs"
"""Imports MLflow and the like inside functions, and goes on without them: only what it imports at the top is needed."""


def reach(files: Iterable[Path], root: Path) -> set[Path]:
    """`files` and all of our own modules that they import, directly or through others, anywhere in them."""
    reached: set[Path] = set()
    waiting = list(files)
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += imports(path, root)
    return reached


def imports(path: Path, root: Path, packages: Collection[str] = OWN) -> list[Path]:
    """The files of those modules in `packages` that one file imports, and of the packages around them."""
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
    """Top-level names of the modules of others that `files` import, by themselves and not through our own modules."""
    found: set[str] = set()
    for path in files:
        inside = root / BOOKKEEPING not in path.parents
        found |= {name.split(".")[0] for name in _names(path, inside)}
    return found - set(OWN) - sys.stdlib_module_names


def _names(path: Path, inside: bool) -> list[str]:
    """Every module that a file imports, `inside` functions too, or at the top alone."""
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
