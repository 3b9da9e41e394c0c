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


def strangers(files: Iterable[Path], root: Path, chosen: Collection[str] = ()) -> set[str]:
    """Return the top-level names of the third-party modules that `files` import directly.

    A module whose absence the code handles is needed only where the parameters choose that code.

    Args:
        chosen: names of chosen variants. Each has its code in a folder of that name.
    """
    found: set[str] = set()
    for path in files:
        inside = root / BOOKKEEPING not in path.parents
        found |= {name.split(".")[0] for name in _names(path, inside, optional=path.parent.name in chosen)}
    return found - set(OWN) - sys.stdlib_module_names


def _names(path: Path, inside: bool, optional: bool = True) -> list[str]:
    """Return the modules that a file imports.

    Args:
        inside: also those that are imported inside functions. optional: also those in a `try` for `ImportError`.
    """
    tree = ast.parse(path.read_text(), str(path))
    left_out = set() if optional else {id(node) for tried in ast.walk(tree) for node in _tried(tried)}
    names: list[str] = []
    for node in ast.walk(tree) if inside else tree.body:
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{path}: relative imports hide which room is meant; write the full name")
        elif isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _tried(node: ast.AST) -> list[ast.AST]:
    """Return what a `try` with a handler for `ImportError` or `ModuleNotFoundError` holds."""
    if not isinstance(node, ast.Try):
        return []
    names = [name for each in node.handlers if each.type for name in ast.walk(each.type)]
    handled = {name.id for name in names if isinstance(name, ast.Name)} & {"ImportError", "ModuleNotFoundError"}
    return [each for statement in node.body for each in ast.walk(statement)] if handled else []
