"""Reading and validation of `params.yaml`, and the parameters of a dataset with all defaults filled in.

Each room that has parameters declares them in its `params.py`: a pydantic model named `Params`, with a default and a
meaning for each value. `params.yaml` holds only the values that a dataset chose. A mistake in the section of one
dataset stops only that dataset. This module imports the models of the rooms by name. A stage depends only on its own
section, because the models of other rooms can refuse a run but cannot change the outputs of the stage.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.core import yaml12
from tasks.core.choice import choices, chosen, keys_at, one_of
from tasks.core.errors import LandloomError

__all__ = ["choices", "chosen", "one_of"]  # re-exported, so that rooms import one module for their parameters

NAMES = "a dataset's name begins with a letter and holds letters without accents, digits and underscores, at most 64"
ROOT = Path(__file__).resolve().parents[2]
PARAMS = "params.yaml"
T = TypeVar("T", bound=BaseModel)
Rooms = dict[str, "Strict"]
"""The parameters of a dataset with all defaults filled in: from the name of a room to its model."""


class Strict(BaseModel):
    """Base class of all parameter models. It refuses unknown keys. The string below a field describes the field."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    def conflict(self, rooms: Rooms) -> tuple[str, str] | None:
        """Check the rules between this section and other sections; return the wrong key and the reason, or None.

        Args:
            rooms: all sections of the dataset, each of them validated.
        """
        return None


class Compute(Strict):
    """How work over many scenes is distributed. It changes speed and never bytes, so no stage depends on it."""

    engine: str = Field("processes", pattern=r"^(serial|processes|tcp://.+|tls://.+)$")
    """`serial`, `processes`, or the address of a Dask scheduler."""
    workers: int = Field(2, ge=1)
    """Number of processes on this machine. Two fit the smallest machine that the demo supports."""


class Settings(Strict):
    """All of `params.yaml`. `rooms` validates the sections of each dataset separately."""

    seed: int = Field(ge=0, lt=2**31)
    """Seed of all random numbers of all stages."""
    compute: Compute = Compute()
    """How work over many scenes is distributed."""
    datasets: dict[str, Any]
    """From the name of a dataset to its sections, one for each stage with parameters."""


def stage_rooms(root: Path = ROOT) -> list[str]:
    """Return the names of the rooms in `tasks/` that have parameters, sorted."""
    return sorted(path.parent.name for path in (root / "tasks").glob("*/params.py"))


def load(root: Path = ROOT, dataset: str | None = None) -> Settings:
    """Read and validate `params.yaml`: all datasets, or only the given one.

    Raises:
        LandloomError: a value is wrong. The message holds the full path of the first wrong value.
    """
    return check(read(root), root, dataset)


def read(root: Path = ROOT) -> Any:
    """Return the values of `params.yaml` without validation.

    Raises:
        LandloomError: the file is missing or is not valid YAML.
    """
    path = root / PARAMS
    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml12.load(text)
    except FileNotFoundError:
        raise LandloomError(f"{path}: there is no parameter file here; run from a Landloom checkout") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LandloomError(f"{PARAMS}: not valid YAML: {' '.join(str(error).split())}") from None
    if isinstance(raw, dict) and isinstance(raw.get("datasets"), dict):
        _check_names(raw["datasets"], text)
    return raw


def _check_names(datasets: dict[Any, Any], text: str) -> None:
    """Refuse names of datasets that YAML, a shell, a path or another disk reads otherwise than a person."""
    seen: dict[str, str] = {}
    for name in datasets:
        if not isinstance(name, str):
            written = yaml12.words(text).get(name, str(name))
            raise LandloomError(f"{PARAMS}: datasets.{written}: YAML reads this name as {name!r}, no word; {NAMES}")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name):
            raise LandloomError(f"{PARAMS}: datasets.{name}: {NAMES}")
        if (other := seen.setdefault(name.lower(), name)) != name:
            raise LandloomError(f"{PARAMS}: datasets.{name}: {other} is the same folder on some disks; rename one")


def check(raw: Any, root: Path = ROOT, dataset: str | None = None) -> Settings:
    """Validate the values of a parameter file: the shared values, and all datasets or only the given one.

    Raises:
        LandloomError: a value is wrong.
    """
    settings = validate(Settings, raw, "")
    for name in settings.datasets if dataset is None else [dataset]:
        rooms(settings.datasets, name, root)
    return settings


def rooms(datasets: dict[str, Any], dataset: str, root: Path = ROOT) -> Rooms:
    """Validate all sections of one dataset, and the rules between sections; return them with all defaults filled in.

    Args:
        datasets: the value of `datasets` in `params.yaml`. Sections of other datasets are not validated.

    Raises:
        LandloomError: the dataset does not exist, or one of its values is wrong.
    """
    where = f"datasets.{dataset}"
    if dataset not in datasets:
        raise LandloomError(f"{PARAMS}: there is no dataset {dataset!r}; there are {', '.join(map(str, datasets))}")
    sections, known = datasets[dataset], stage_rooms(root)
    if not isinstance(sections, dict):
        raise LandloomError(f"{PARAMS}: {where}: must be a mapping with a section for each stage")
    for name in sections:
        if name not in known:
            raise LandloomError(f"{PARAMS}: {where}.{name}: unknown key; the stages are {', '.join(known)}")
    for name in known:
        if name not in sections:
            raise LandloomError(f"{PARAMS}: {where}.{name}: this section is missing")
    found = {name: validate(room_params(name), sections[name], f"{where}.{name}") for name in known}
    for name, section in found.items():  # checked before any stage runs
        if conflict := section.conflict(found):
            key, reason = conflict
            raise LandloomError(f"{PARAMS}: {where}.{name}.{key}: {reason}")
    return found


def room_params(room: str) -> type[Strict]:
    """Return the parameter model of one room."""
    return importlib.import_module(f"tasks.{room}.params").Params


def validate(model: type[T], raw: Any, where: str) -> T:
    """Build `model` from `raw`; `where` is the path of `raw` in `params.yaml`.

    Raises:
        LandloomError: a value is wrong. The message holds the full path of the first wrong key.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = error.errors()
        # An unknown key is often the reason why another key is missing.
        problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
        path = ".".join(part for part in (where, *map(str, problem["loc"])) if part)
        if problem["type"] == "extra_forbidden":
            known = keys_at(model, raw, problem["loc"][:-1])
            reason = f"unknown key; known here: {', '.join(known)}" if known else "unknown key"
        elif problem["type"] == "missing":
            reason = "this key is missing"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            reason = f"{message[0].lower()}{message[1:]} (got {problem['input']!r})"
            if problem["type"] == "string_type" and isinstance(problem["input"], bool | int | float | None):
                reason += "; YAML reads this as no word, so put it in quotes"
        more = len(problems) - 1
        raise LandloomError(f"{PARAMS}: {path}: {reason}" + (f" (and {more} more)" if more else "")) from None
