"""Discriminated unions in parameters: one key of a mapping selects the model that validates the mapping.

`chosen` finds the models by folder name, so there is no list of them. `one_of` takes a list of models.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError
from typing_extensions import is_typeddict


class Choice:
    """A discriminated union: its key, and the model for each value of the key."""

    def __init__(self, key: str):
        self.key = key

    def names(self) -> list[str]:
        """Return the values that the key can have, sorted."""
        raise NotImplementedError

    def model(self, name: str) -> type[BaseModel]:
        """Return the model for one of `names()`."""
        raise NotImplementedError

    def build(self, value: Any) -> BaseModel:
        """Validate a mapping with the model that its key selects; return a model instance unchanged."""
        if isinstance(value, BaseModel):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("choice", "must be a mapping with the key `{key}`", {"key": self.key})
        if self.key not in value:
            raise _error({"type": "missing", "loc": (self.key,), "input": value})
        name, known = value[self.key], self.names()
        if name not in known:
            problem = PydanticCustomError(
                "choice", "there is no such choice; there are {names}", {"names": ", ".join(known)}
            )
            raise _error({"type": problem, "loc": (self.key,), "input": name})
        return self.model(name).model_validate(value)

    def of(self, value: Any) -> type[BaseModel] | None:
        """Return the model that an unvalidated value selects, or None."""
        name = value.get(self.key) if isinstance(value, dict) else None
        return self.model(name) if name in self.names() else None


class Selected:
    """Metadata of a type whose own validator selects a model: says to messages which model that is."""

    def __init__(self, of: Callable[[Any], type[BaseModel] | None]):
        self.of = of


class Named:
    """Metadata of a mapping whose values have a model for each name: says to messages which model that is."""

    def __init__(self, model: Callable[[str], type[BaseModel] | None]):
        self.model = model


class FolderChoice(Choice):
    """The models are `Params` of `<package>.<name>.params`."""

    def __init__(self, package: str, key: str):
        super().__init__(key)
        self.package = package

    def names(self) -> list[str]:
        return choices(self.package)

    def model(self, name: str) -> type[BaseModel]:
        return importlib.import_module(f"{self.package}.{name}.params").Params


class ModelChoice(Choice):
    """The models are given. In each of them, the key has a literal type with the name of the model."""

    def __init__(self, key: str, models: Iterable[type[BaseModel]]):
        super().__init__(key)
        self._models = {model.model_fields[key].annotation.__args__[0]: model for model in models}

    def names(self) -> list[str]:
        return sorted(self._models)

    def model(self, name: str) -> type[BaseModel]:
        return self._models[name]


def choices(package: str) -> list[str]:
    """Return the names of the folders of `package` that have a `params.py`, sorted: the valid choices."""
    folders = importlib.import_module(package).__path__
    return sorted({path.parent.name for folder in folders for path in Path(folder).glob("*/params.py")})


def chosen(package: str, key: str) -> Any:
    """Return a type that validates a mapping with `<package>.<value>.params.Params`; `value` is the value of `key`.

    Only the named folder is imported, so a mistake in another folder has no effect. Use it as the type of a field:
    `source: chosen("tasks.acquire.sources", "kind")`.
    """
    return _type(FolderChoice(package, key))


def one_of(key: str, *models: type[BaseModel]) -> Any:
    """Return a type that validates a mapping with one of `models`; each of them declares `<key>: Literal["<name>"]`."""
    return _type(ModelChoice(key, models))


def choice_of(model: type[BaseModel], field: str) -> Choice | None:
    """Return the discriminated union of a field, or None if the field has another type."""
    metadata = model.model_fields[field].metadata
    return next((entry for entry in metadata if isinstance(entry, Choice)), None)


def model_below(model: type[BaseModel], field: str, value: Any) -> type[BaseModel] | None:
    """Return the model of a field's value, or None if the value is no model.

    `value` is the unvalidated value. In a discriminated union, it selects the model.
    """
    below = _below(model, field, value)
    return below if isinstance(below, type) and issubclass(below, BaseModel) else None


def keys_at(model: type[BaseModel], raw: Any, place: tuple[int | str, ...]) -> list[str] | None:
    """Return the valid keys of the mapping at `place` inside the unvalidated value `raw` of a model.

    The way there leads through models, lists, mappings and choices. None: what lies there has no fixed keys.
    """
    kind: Any = model
    for part in place:
        try:
            raw = raw[part]
        except (LookupError, TypeError):
            raw = None
        kind = _below(kind, part, raw)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return list(kind.model_fields)
    return list(kind.__annotations__) if is_typeddict(kind) else None


def _below(kind: Any, part: int | str, raw: Any) -> Any:
    """Return the type of the value `raw` that a value of type `kind` has under the key or index `part`; or None."""
    metadata: tuple[Any, ...] = ()
    if isinstance(kind, Named):
        return kind.model(str(part))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if part not in kind.model_fields:
            return None
        field = kind.model_fields[str(part)]
        below, metadata = field.annotation, tuple(field.metadata)
    elif is_typeddict(kind):
        below = get_type_hints(kind, include_extras=True).get(str(part))
    else:
        below = (get_args(kind) or (None,))[-1]  # of list[X] and dict[str, X]
    while get_origin(below) is Annotated:
        below, *more = get_args(below)
        metadata += tuple(more)
    for entry in metadata:
        if isinstance(entry, Choice | Selected):
            return entry.of(raw)
        if isinstance(entry, Named):
            return entry
    options = [option for option in (below, *get_args(below)) if _has_parts(option)]  # X | None has X among its own
    return options[0] if options else None


def _has_parts(kind: Any) -> bool:
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    return is_model or is_typeddict(kind) or get_origin(kind) in (list, dict)


def _type(choice: Choice) -> Any:
    return Annotated[Any, choice, PlainValidator(choice.build)]


def _error(line: Any) -> ValidationError:
    return ValidationError.from_exception_data("choice", [line])
