"""Apply an overlay of `infra/scales` to `params.yaml`, showing the difference first.

`python -m flows.scale laptop` prints what would change; `--apply` writes it. The result is validated
as a whole before a byte is written, and the comments of `params.yaml` stay.
"""

from __future__ import annotations

import argparse
import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file
from tasks.core.settings import PARAMS, ROOT, check

FOLDER = Path("infra/scales")


def scales(root: Path = ROOT) -> list[str]:
    """Names of the overlays, sorted."""
    return sorted(path.stem for path in (root / FOLDER).glob("*.yaml"))


def changes(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted path, old value, new value) for every leaf of the overlay `new` that differs.

    An overlay may only set what is there: a key that `old` lacks is a spelling mistake.
    """
    for key, value in new.items():
        here = f"{path}.{key}" if path else str(key)
        if not isinstance(old, dict) or key not in old:
            raise LandloomError(f"{here}: {PARAMS} has no such key")
        if isinstance(value, dict) and isinstance(old[key], dict) and value:
            yield from changes(old[key], value, here)
        elif old[key] != value:
            yield here, old[key], value


def merge(document: Any, overlay: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Set the overlay's leaves in `document` in place and return what changed."""
    found = [(path, copy.deepcopy(old), new) for path, old, new in changes(document, overlay)]
    for path, _, value in found:
        target = document
        *parents, last = path.split(".")
        for part in parents:
            target = target[part]
        target[last] = value
    return found


def apply_scale(name: str, write: bool, root: Path = ROOT) -> list[tuple[str, Any, Any]]:
    """Show, and with `write` store, what the overlay `name` changes in `params.yaml`."""
    if name not in scales(root):
        raise LandloomError(f"{FOLDER}/{name}.yaml: there is no such scale; there are {', '.join(scales(root))}")
    try:
        overlay = _yaml().load((root / FOLDER / f"{name}.yaml").read_text())
    except YAMLError as error:
        raise LandloomError(f"{FOLDER}/{name}.yaml: not valid YAML: {' '.join(str(error).split())}") from None
    try:
        return apply_overlay(overlay, write, root)
    except LandloomError as error:
        raise LandloomError(f"{FOLDER}/{name}.yaml: {error}") from None


def apply_overlay(overlay: dict[str, Any], write: bool, root: Path = ROOT) -> list[tuple[str, Any, Any]]:
    """What `overlay` changes in `params.yaml`, each as (dotted path, old value, new value); stored with `write`.

    The whole file is validated with the change before a byte is written; everything else in it stays.
    """
    yaml, before = _yaml(), (root / PARAMS).read_text()
    try:
        document = yaml.load(before)
    except YAMLError as error:
        raise LandloomError(f"{PARAMS}: not valid YAML: {' '.join(str(error).split())}") from None
    found = merge(document, overlay)
    text = io.StringIO()
    yaml.dump(document, text)
    check(YAML(typ="safe").load(text.getvalue()), root)
    if write and found:
        if (root / PARAMS).read_text() != before:  # somebody saved it in the meantime: their edit stays
            return apply_overlay(overlay, write, root)
        with atomic_file(root / PARAMS) as part:
            part.write_text(text.getvalue())
    return found


def _yaml() -> YAML:
    """A YAML that writes what it read: in the layout of `params.yaml`, so that a diff shows the change alone."""
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.scale", description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=scales(), help="an overlay of infra/scales")
    parser.add_argument("--apply", action="store_true", help="write params.yaml")
    arguments = parser.parse_args()
    with told():
        found = apply_scale(arguments.name, arguments.apply)
    for path, old, new in found:
        print(f"{path}: {_short(old)} -> {_short(new)}")
    if not found:
        print(f"{PARAMS} is at scale {arguments.name!r} already")
    elif arguments.apply:
        print(f"{PARAMS} written; `dvc status` shows which stages would run, `git diff` the change")
    else:
        print(f"nothing written; `make scale NAME={arguments.name} APPLY=1` writes {PARAMS}")


def _short(value: Any) -> str:
    return " ".join(str(value).split()) if value is not None else "null"


if __name__ == "__main__":
    main()
