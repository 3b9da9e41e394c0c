"""`params.yaml`, read and checked before a stage starts, and every value of a dataset with its defaults filled in.

Every room that has parameters describes them in its own `params.py`: a pydantic model named `Params`, with defaults
and a meaning for each value. `params.yaml` says only what a dataset chose. A mistake in one dataset's section stops
that dataset alone. A stage depends on its own section only: the other rooms' models are loaded by name here, because
they can refuse a run but never change what a stage writes.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.core.choice import choices, chosen, model_below, one_of
from tasks.core.errors import LandloomError

__all__ = ["choices", "chosen", "one_of"]  # how a room writes a choice, beside what stands here

ROOT = Path(__file__).resolve().parents[2]
PARAMS = "params.yaml"
T = TypeVar("T", bound=BaseModel)
Rooms = dict[str, "Strict"]
"""A dataset's parameters, resolved: the room's name to its model."""


class Strict(BaseModel):
    """Base of every parameter model: unknown keys are refused. A string below a field is the field's description."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    def conflict(self, rooms: Rooms) -> tuple[str, str] | None:
        """A rule that ties this section to another one of its dataset: the key that breaks it and the reason.

        Args:
            rooms: every section of the dataset, valid on its own.
        """
        return None


class Compute(Strict):
    """How work over many scenes is spread. Changes speed, never bytes, so no stage depends on it."""

    engine: str = Field("processes", pattern=r"^(serial|processes|tcp://.+|tls://.+)$")
    """`serial`, `processes`, or the address of a Dask scheduler."""
    workers: int = Field(2, ge=1)
    """Processes at a time on this machine. Two fit the smallest machine that the demo is meant for."""


class Settings(Strict):
    """The whole of `params.yaml`; the sections of datasets are checked one by one, by `rooms`."""

    seed: int = Field(ge=0, lt=2**31)
    """Every random number of every stage follows from it."""
    compute: Compute = Compute()
    """How work over many scenes is spread."""
    datasets: dict[str, Any]
    """Name to the sections of its stages."""


def stage_rooms(root: Path = ROOT) -> list[str]:
    """Names of the rooms in `tasks/` that have parameters, sorted."""
    return sorted(path.parent.name for path in (root / "tasks").glob("*/params.py"))


def load(root: Path = ROOT, dataset: str | None = None) -> Settings:
    """Read and check `params.yaml`, all of it or what concerns one dataset.

    Raises:
        LandloomError: a value is wrong; the message has the full path of the first one.
    """
    return check(read(root), root, dataset)


def read(root: Path = ROOT) -> Any:
    """The values of `params.yaml`, unchecked; raise `LandloomError` where it is missing or no YAML."""
    path = root / PARAMS
    try:
        return yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise LandloomError(f"{path}: there is no parameter file here; run from a Landloom checkout") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LandloomError(f"{PARAMS}: not valid YAML: {' '.join(str(error).split())}") from None


def check(raw: Any, root: Path = ROOT, dataset: str | None = None) -> Settings:
    """Validate a parameter file that was already read: what all datasets share, and every dataset or the given one."""
    settings = validate(Settings, raw, "")
    for name in settings.datasets if dataset is None else [dataset]:
        rooms(settings.datasets, name, root)
    return settings


def rooms(datasets: dict[str, Any], dataset: str, root: Path = ROOT) -> Rooms:
    """Every value of one dataset, its defaults filled in; rules across sections hold.

    Args:
        datasets: what stands under `datasets` in `params.yaml`. Sections of other datasets are not looked at.

    Raises:
        LandloomError: there is no such dataset, or one of its values is wrong.
    """
    where = f"datasets.{dataset}"
    if dataset not in datasets:
        raise LandloomError(f"{PARAMS}: there is no dataset {dataset!r}; there are {', '.join(map(str, datasets))}")
    sections, known = datasets[dataset], stage_rooms(root)
    if not isinstance(dataset, str) or not dataset.isidentifier():
        raise LandloomError(f"{PARAMS}: {where}: a dataset's name is letters, digits and underscores")
    if not isinstance(sections, dict):
        raise LandloomError(f"{PARAMS}: {where}: must be a mapping with a section for each stage")
    for name in sections:
        if name not in known:
            raise LandloomError(f"{PARAMS}: {where}.{name}: unknown key; the stages are {', '.join(known)}")
    for name in known:
        if name not in sections:
            raise LandloomError(f"{PARAMS}: {where}.{name}: this section is missing")
    found = {name: validate(room_params(name), sections[name], f"{where}.{name}") for name in known}
    for name, section in found.items():  # a conflict is found in a second, not after an hour
        if conflict := section.conflict(found):
            key, reason = conflict
            raise LandloomError(f"{PARAMS}: {where}.{name}.{key}: {reason}")
    return found


def room_params(room: str) -> type[Strict]:
    """The parameter model of one room."""
    return importlib.import_module(f"tasks.{room}.params").Params


def validate(model: type[T], raw: Any, where: str) -> T:
    """Build `model` from `raw`, or raise `LandloomError` naming the full path of the first bad key."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problem = error.errors()[0]
        path = ".".join(part for part in (where, *map(str, problem["loc"])) if part)
        if problem["type"] == "extra_forbidden":
            reason = f"unknown key; {_known_at(model, raw, problem['loc'][:-1])}"
        elif problem["type"] == "missing":
            reason = "this key is missing"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            reason = f"{message[0].lower()}{message[1:]} (got {problem['input']!r})"
        more = len(error.errors()) - 1
        raise LandloomError(f"{PARAMS}: {path}: {reason}" + (f" (and {more} more)" if more else "")) from None


def _known_at(model: type[BaseModel], raw: Any, place: tuple[int | str, ...]) -> str:
    """The keys that a mapping inside `raw` may have."""
    here: type[BaseModel] | None = model
    for part in place:
        raw = raw.get(part) if isinstance(raw, dict) else None
        here = model_below(here, str(part), raw) if here else None
    return f"known here: {', '.join(here.model_fields)}" if here else "it is none of its section's own"
