"""One checkout, several flows: parameters from the Prefect UI or the command line, and who may change them when.

A parameter given to a flow is written into `params.yaml` exactly as `dvc exp run -S` writes it: the whole file
is validated with it first, only the named value changes, comments and everything else stay, and it stays in
effect when the flow is over, because the outputs that the flow leaves belong to it. So one file says what the
data are made of, whoever changed it, and the runs in MLflow state it under one name. To try values without
touching a checkout there is `flows.sweep`.
"""

from __future__ import annotations

import copy
import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from flows.scale import apply_overlay
from tasks.core.errors import LandloomError

LOCK = Path(".landloom/flows.lock")


@contextmanager
def checkout(root: Path, params: Mapping[str, Any], say: Callable[[str], None]) -> Iterator[None]:
    """Hold the checkout with `params` (dotted name to value) in its `params.yaml`.

    Flows that change nothing share a checkout. One that changes a parameter waits until the others are done,
    and while it runs no other flow changes one: every stage of a flow reads what its start has read.

    Raises LandloomError, and writes nothing, where a name or a value is wrong.
    """
    overlay = nested(params)
    (root / LOCK).parent.mkdir(exist_ok=True)
    with (root / LOCK).open("a") as lock:
        while overlay and apply_overlay(overlay, write=False, root=root):
            _wait(lock.fileno(), fcntl.LOCK_EX, say)
            for name, old, new in apply_overlay(overlay, write=True, root=root):
                say(f"params.yaml: {name}: {old} -> {new}")
            fcntl.flock(lock, fcntl.LOCK_UN)  # then another may be first to change them back, hence the loop
            _wait(lock.fileno(), fcntl.LOCK_SH, say)
        _wait(lock.fileno(), fcntl.LOCK_SH, say)
        yield


def _wait(lock: int, kind: int, say: Callable[[str], None]) -> None:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waits for another flow in this checkout: parameters change only between flows")
        fcntl.flock(lock, kind)


def nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` as `{"a": {"b": 1}}`; raises LandloomError where one name is inside another."""
    overlay: dict[str, Any] = {}
    for name, value in params.items():
        *parents, last = name.split(".")
        place = overlay
        for part in parents:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise LandloomError(f"{name}: another value is set for a part of this name")
        if last in place:
            raise LandloomError(f"{name}: set twice")
        place[last] = copy.deepcopy(value)
    return overlay


def assignments(texts: list[str]) -> dict[str, Any]:
    """`["a.b=1"]` as `{"a.b": 1}`, each value read as YAML; raises LandloomError for anything else.

    `dvc exp run -S` wants a `+` before a name that `params.yaml` does not have yet. Here it may stand or be left out.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:  # ruamel, as DVC: to it 1e-3 is a number
            found[name.strip().lstrip("+")] = YAML(typ="safe").load(value)
        except YAMLError as error:
            raise LandloomError(f"{text}: not valid YAML after the =: {' '.join(str(error).split())}") from None
        if not (name.strip() and equals):
            raise LandloomError(f"{text}: write a parameter as datasets.terrain.train.steps=200")
    return found
