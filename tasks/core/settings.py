"""`params.yaml`, read and checked as a whole before any stage starts.

Every room that has parameters describes them in its own `params.py` (a pydantic model named
`Params` with `extra="forbid"`). No model carries a default: `params.yaml` is the one place where
a value stands. A stage is a *dependent* of its own section only; the other rooms' models are
loaded by name here, because they can refuse a run but never change what a stage writes.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError

from tasks.core.errors import LandloomError

ROOT = Path(__file__).resolve().parents[2]
PARAMS = "params.yaml"
T = TypeVar("T", bound=BaseModel)


class Strict(BaseModel):
    """Base of every parameter model: unknown keys are refused. A string below a field is the field's description."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Compute(Strict):
    """How work over many scenes is spread. Changes speed, never bytes, so no stage depends on it."""

    engine: str = Field(pattern=r"^(serial|processes|tcp://.+|tls://.+)$")
    workers: int = Field(ge=1)


class Settings(Strict):
    """The whole of `params.yaml`."""

    seed: int = Field(ge=0, lt=2**31)
    compute: Compute
    datasets: dict[str, dict[str, dict[str, Any]]]


def choices(package: str) -> list[str]:
    """Names of the folders of `package` that have a `params.py`, sorted: what a person can choose from."""
    folders = importlib.import_module(package).__path__
    return sorted({path.parent.name for folder in folders for path in Path(folder).glob("*/params.py")})


def chosen(package: str, key: str) -> Any:
    """The type of a mapping whose `key` names a folder of `package`: the model `<package>.<value>.params.Params`.

    Only the named folder is imported, so a mistake in another folder does no harm here. Use it as a field's type:
    `source: chosen("tasks.acquire.sources", "kind")`.
    """

    def build(value: Any) -> BaseModel:
        if isinstance(value, BaseModel):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("chosen", "must be a mapping with the key `{key}`", {"key": key})
        if key not in value:
            missing = {"type": "missing", "loc": (key,), "input": value}
            raise ValidationError.from_exception_data(package, [missing])
        name = value[key]
        if name not in (names := choices(package)):
            unknown = PydanticCustomError(
                "chosen", "there is no such choice; there are {names}", {"names": ", ".join(names)}
            )
            raise ValidationError.from_exception_data(package, [{"type": unknown, "loc": (key,), "input": name}])
        return importlib.import_module(f"{package}.{name}.params").Params.model_validate(value)

    return Annotated[Any, PlainValidator(build)]


def stage_rooms(root: Path = ROOT) -> list[str]:
    """Names of the rooms in `tasks/` that have parameters, sorted."""
    return sorted(path.parent.name for path in (root / "tasks").glob("*/params.py"))


def load(root: Path = ROOT) -> Settings:
    """Read and check `params.yaml`; raise `LandloomError` with the first bad key's full path."""
    return check(read(root), root)


def read(root: Path = ROOT) -> Any:
    """The values of `params.yaml`, unchecked; raise `LandloomError` where it is missing or no YAML."""
    path = root / PARAMS
    try:
        return yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise LandloomError(f"{path}: there is no parameter file here; run from a Landloom checkout") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LandloomError(f"{PARAMS}: not valid YAML: {' '.join(str(error).split())}") from None


def check(raw: Any, root: Path = ROOT) -> Settings:
    """Validate a whole parameter file that was already read: every section, and rules across sections."""
    settings = validate(Settings, raw, "")
    rooms = stage_rooms(root)
    for dataset, sections in settings.datasets.items():
        where = f"datasets.{dataset}"
        if not dataset.isidentifier():
            raise LandloomError(f"{PARAMS}: {where}: a dataset's name is letters, digits and underscores")
        for name in sections:
            if name not in rooms:
                raise LandloomError(f"{PARAMS}: {where}.{name}: unknown key; the stages are {', '.join(rooms)}")
        for name in rooms:
            if name not in sections:
                raise LandloomError(f"{PARAMS}: {where}.{name}: this section is missing")
            validate(room_params(name), sections[name], f"{where}.{name}")
        _check_across(sections, where)
    return settings


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
            fields = ", ".join(model.model_fields) if len(problem["loc"]) == 1 else "its section's own"
            reason = f"unknown key; known here: {fields}"
        elif problem["type"] == "missing":
            reason = "this key is missing"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            reason = f"{message[0].lower()}{message[1:]} (got {problem['input']!r})"
        more = len(error.errors()) - 1
        raise LandloomError(f"{PARAMS}: {path}: {reason}" + (f" (and {more} more)" if more else "")) from None


def _check_across(sections: dict[str, dict[str, Any]], where: str) -> None:
    """Rules that tie two sections together, so that they fail in a second and not after an hour."""
    window, out = sections["select"]["px"], sections["shard"]["px"]
    if window % out:
        raise LandloomError(
            f"{PARAMS}: {where}.shard.px: {out} must divide select.px ({window}), so that shrinking is a plain average"
        )
