"""The project's modules that each stage imports, read from the sources, and those that `dvc.yaml` does not name."""

from __future__ import annotations

import ast
from pathlib import Path

from flows.bundles.imports import imports as imported

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tasks", "models")
BOOKKEEPING = "tasks/runs"
"""No stage depends on it: it cannot change an output."""
FIRST = "tasks/__init__.py"
"""Imports `tasks.core.arithmetic` and does nothing else; `tests/test_layout.py` holds it to that."""


def undeclared(room: str, deps: list[str], root: Path = ROOT) -> list[str]:
    """Modules that the stage reaches and that lie neither in one of `deps` nor in `tasks/runs`, sorted.

    An `__init__.py` that holds nothing but its docstring cannot change a result and is left out.
    """
    declared = [root / dep for dep in _code(deps)]
    reached = reach(starts(room, deps, root), root)
    outside = [path for path in reached if root / BOOKKEEPING not in path.parents and path != root / FIRST]
    missing = [path for path in outside if not any(dep in (path, *path.parents) for dep in declared)]
    return sorted(path.relative_to(root).as_posix() for path in missing)


def unused(room: str, deps: list[str], root: Path = ROOT) -> list[str]:
    """Those of `deps` that are code and hold no module that the stage reaches."""
    reached = reach(starts(room, deps, root), root)
    return [dep for dep in _code(deps) if not any(root / dep in (path, *path.parents) for path in reached)]


def starts(room: str, deps: list[str], root: Path = ROOT) -> list[Path]:
    """Where the stage's imports begin: the room's top, and whatever it may load by name at run time.

    Methods, sources, products and exports are found by their names, so no import statement leads to them. All files of
    those of `deps` that lie in the room or in `models` count as loaded.
    """
    room_folder = root / "tasks" / room
    found = set(room_folder.glob("*.py"))
    for dep in _code(deps):
        path = root / dep
        if room_folder in (path, *path.parents) or root / "models" in (path, *path.parents):
            found |= set(path.rglob("*.py"))
    return sorted(found)


def _code(deps: list[str]) -> list[str]:
    return [dep for dep in deps if not dep.startswith("data/")]


def reach(files: list[Path], root: Path = ROOT) -> set[Path]:
    """All of our own modules that `files` import, directly or through others, themselves included.

    What only `tasks/runs` imports is not followed: bookkeeping cannot change an output.
    """
    reached: set[Path] = set()
    waiting = list(files)
    while waiting:
        path = waiting.pop()
        if path in reached or _only_docstring(path):
            continue
        reached.add(path)
        if root / BOOKKEEPING not in path.parents:
            waiting += imports(path, root)
    return reached


def imports(path: Path, root: Path = ROOT) -> list[Path]:
    """Our own modules that one file imports anywhere in it, at the top or inside functions."""
    return imported(path, root, PACKAGES)


def _only_docstring(path: Path) -> bool:
    body = ast.parse(path.read_text()).body
    return path.name == "__init__.py" and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body
    )
