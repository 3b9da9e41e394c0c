"""Show the changes of an overlay of `infra/scales` to `params.yaml`, or write them.

`python -m flows.scale laptop` prints the changes; `--apply` writes them. The result is validated before anything is
written, and the comments of `params.yaml` stay.
"""

from __future__ import annotations

import argparse
import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from flows.params import shown
from tasks.core.choice import choice_of, model_below
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file
from tasks.core.settings import PARAMS, ROOT, Settings, room_params, rooms, stage_rooms, validate
from tasks.runs.parameters import resolved

FOLDER = Path("infra/scales")
Change = tuple[str, Any, Any]
"""Dotted path, old value, new value."""


def scales(root: Path = ROOT) -> list[str]:
    """Names of the overlays, sorted."""
    return sorted(path.stem for path in (root / FOLDER).glob("*.yaml"))


def changes(document: Any, overlay: dict[str, Any]) -> list[Change]:
    """The overlay's changes, leaf by leaf, against the values of `document` with their defaults filled in.

    Another kind in a choice (`source: {kind: …}`) is one change, because the former kind has other keys.

    Raises:
        LandloomError: the overlay names an unknown dataset. The check of the whole file finds unknown keys.
    """
    found: list[Change] = []
    for name, value in overlay.items():
        if name != "datasets":
            found += _leaves(Settings, document, {name: value}, document, "")
            continue
        for dataset, sections in value.items():
            if dataset not in document["datasets"]:
                there = ", ".join(document["datasets"])
                raise LandloomError(f"datasets.{dataset}: {PARAMS} has no such dataset; there are {there}")
            for room, section in sections.items():
                model = room_params(room) if room in stage_rooms() else None
                here = document["datasets"][dataset].get(room) or {}
                where = f"datasets.{dataset}.{room}"
                found += _leaves(model, here, section, resolved(here, room), where)
    return found


def _leaves(
    model: type[BaseModel] | None, here: Any, overlay: dict[str, Any], full: Any, where: str
) -> Iterator[Change]:
    """Changes below one mapping: `here` has the written values, `full` the defaults too; `model` may be None."""
    for key, value in overlay.items():
        place = f"{where}.{key}" if where else str(key)
        written = here.get(key) if isinstance(here, dict) else None
        was = full.get(key) if isinstance(full, dict) else None
        choice = choice_of(model, key) if model and key in model.model_fields else None
        if isinstance(value, dict) and value and isinstance(was, dict):
            below = model_below(model, key, was) if model else None
            if choice and value.get(choice.key, was.get(choice.key)) != was.get(choice.key):
                yield place, was, value
            elif below or isinstance(written, dict):
                yield from _leaves(below, written, value, was, place)
            elif was != was | value:  # a plain mapping that is not in the file has one default as a whole
                yield place, was, was | value
        elif value not in (was, written):
            yield place, was, value


def merge(document: Any, overlay: dict[str, Any]) -> list[Change]:
    """Set the overlay's leaves in `document` in place and return what changed."""
    found = [(path, copy.deepcopy(old), new) for path, old, new in changes(document, overlay)]
    for path, _, value in found:
        target = document
        *parents, last = path.split(".")
        for part in parents:
            if not isinstance(target.get(part), dict):
                target[part] = {}
            target = target[part]
        target[last] = _quoted(copy.deepcopy(value))
    return found


def _quoted(value: Any) -> Any:
    """The value with quotes around words that hold a colon, such as addresses.

    The file has mappings in one line, and DVC's reader refuses a bare colon there.
    """
    if isinstance(value, dict):
        for name in value:
            value[name] = _quoted(value[name])
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            value[number] = _quoted(inner)
    elif type(value) is str and ":" in value:
        return DoubleQuotedScalarString(value)
    return value


def apply_scale(name: str, write: bool, root: Path = ROOT) -> list[Change]:
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


def apply_overlay(overlay: dict[str, Any], write: bool, root: Path = ROOT) -> list[Change]:
    """The changes of `overlay` to `params.yaml`, each as (dotted path, old value, new value); `write` stores them.

    An overlay can set any value that a model has, also one that the file leaves to its default. Every changed dataset
    is checked before anything is written; everything else in the file stays.
    """
    yaml, before = _yaml(), (root / PARAMS).read_text()
    try:
        document = yaml.load(before)
    except YAMLError as error:
        raise LandloomError(f"{PARAMS}: not valid YAML: {' '.join(str(error).split())}") from None
    found = merge(document, overlay)
    text = io.StringIO()
    yaml.dump(document, text)
    raw = YAML(typ="safe").load(text.getvalue())
    validate(Settings, raw, "")
    for dataset in overlay.get("datasets") or {}:
        rooms(raw["datasets"], dataset, root)
    if write and found:
        if (root / PARAMS).read_text() != before:  # somebody saved the file meanwhile: keep that edit
            return apply_overlay(overlay, write, root)
        with atomic_file(root / PARAMS) as part:
            part.write_text(text.getvalue())
    return found


def _yaml() -> YAML:
    """A YAML reader and writer that keeps the layout of `params.yaml`, so that a diff shows only the change."""
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
    parser.add_argument("name", choices=scales(ROOT), help="an overlay of infra/scales")
    parser.add_argument("--apply", action="store_true", help="write params.yaml")
    arguments = parser.parse_args()
    with told():
        found = apply_scale(arguments.name, arguments.apply, ROOT)
    for path, old, new in found:
        print(f"{path}: {_short(old)} -> {_short(new)}")
    if not found:
        print(f"{PARAMS} is at scale {arguments.name!r} already")
    elif arguments.apply:
        print(f"{PARAMS} written; `dvc status` shows which stages would run, `git diff` the change")
    else:
        print(f"nothing written; `make scale NAME={arguments.name} APPLY=1` writes {PARAMS}")


def _short(value: Any) -> str:
    """A value in one line, in the form of `params.yaml`."""
    return shown(_plain(value))


def _plain(value: Any) -> Any:
    """A value without the layout that ruamel.yaml keeps with each number and word."""
    if isinstance(value, dict):
        return {_plain(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    kind = next((kind for kind in (bool, int, float, str) if isinstance(value, kind)), None)
    return value if kind is None else kind(value)


if __name__ == "__main__":
    main()
