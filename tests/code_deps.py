"""Which of our own files each stage imports, read from the sources; writes them into `dvc.yaml`.

`python -m tests.code_deps` rewrites the code part of every stage's `deps`; `tests/test_layout.py`
fails where that would change anything.
"""

from __future__ import annotations

import ast
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tasks", "models")


def code_deps(room: str, root: Path = ROOT) -> list[str]:
    """The room's folder, then every module outside it that its code reaches, sorted.

    An `__init__.py` that holds nothing but its docstring cannot change a result and is left out.
    """
    home = root / "tasks" / room
    reached = reach(sorted(home.glob("*.py")), root)
    outside = sorted(path.relative_to(root).as_posix() for path in reached if home not in path.parents)
    return [f"tasks/{room}", *outside]


def reach(files: list[Path], root: Path = ROOT) -> set[Path]:
    """All of our own modules that `files` import, directly or through others, themselves included."""
    reached: set[Path] = set()
    waiting = list(files)
    while waiting:
        path = waiting.pop()
        if path in reached or _only_docstring(path):
            continue
        reached.add(path)
        waiting += imports(path, root)
    return reached


def imports(path: Path, root: Path = ROOT) -> list[Path]:
    """Our own modules that one file imports anywhere in it, at the top or inside functions."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ValueError(f"{path}: relative imports hide which room is meant; write the full name")
        elif isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    found: list[Path] = []
    for name in names:
        parts = name.split(".")
        if parts[0] not in PACKAGES:
            continue
        for depth in range(1, len(parts) + 1):
            base = root.joinpath(*parts[:depth])
            found += [candidate for candidate in (base.with_suffix(".py"), base / "__init__.py") if candidate.exists()]
    return found


def _only_docstring(path: Path) -> bool:
    body = ast.parse(path.read_text()).body
    return path.name == "__init__.py" and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body
    )


def declared_code(deps: list[str]) -> list[str]:
    """The entries of a stage's `deps` that are code and not data."""
    return [dep for dep in deps if not dep.startswith("data/")]


def main() -> None:
    """Rewrite `dvc.yaml`, keeping its comments and its data dependencies."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    path = ROOT / "dvc.yaml"
    document = yaml.load(path.read_text())
    for room, stage in document["stages"].items():
        deps = stage["do"]["deps"]
        data = [dep for dep in deps if dep.startswith("data/")]
        deps[:] = [*code_deps(room), *data]
    with path.open("w") as stream:
        yaml.dump(document, stream)


if __name__ == "__main__":
    main()
