"""One checkout, several flows: how a flow changes parameters, and when.

A parameter from the Prefect UI or the command line is written into `params.yaml` exactly as `dvc exp run -S` writes it:
the changed file is validated first, only the named value changes, and comments stay. The value stays after the flow,
because the flow's outputs belong to it. So one file states the parameters of the data, and the runs in MLflow have them
under the same names. `flows.sweep` tries values without a change of the checkout.
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

    Flows that change nothing share a checkout. A flow that changes a parameter waits until the others have ended; no
    other flow changes one while it runs: all stages of a flow read the same values.

    Raises LandloomError, and writes nothing, where a name or a value is wrong.
    """
    overlay = nested(params)
    (root / LOCK).parent.mkdir(exist_ok=True)
    with (root / LOCK).open("a") as lock:
        while overlay and apply_overlay(overlay, write=False, root=root):
            _wait(lock.fileno(), fcntl.LOCK_EX, say)
            for name, old, new in apply_overlay(overlay, write=True, root=root):
                say(f"params.yaml: {name}: {old} -> {new}")
            fcntl.flock(lock, fcntl.LOCK_UN)  # another flow may change them back before the next line, hence the loop
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

    `dvc exp run -S` needs a `+` before a name that `params.yaml` does not have yet. Here the `+` is optional.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:  # ruamel, as DVC: it reads 1e-3 as a number
            found[name.strip().lstrip("+")] = YAML(typ="safe").load(value)
        except YAMLError as error:
            raise LandloomError(f"{text}: not valid YAML after the =: {' '.join(str(error).split())}") from None
        if not (name.strip() and equals):
            raise LandloomError(f"{text}: write a parameter as datasets.terrain.train.steps=200")
    return found
