"""Discriminated unions in parameters: one key of a mapping selects the model that validates the mapping.

`chosen` finds the models by folder name, so there is no list of them. `one_of` takes a list of models.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError


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
    if field not in model.model_fields:
        return None
    if choice := choice_of(model, field):
        name = value.get(choice.key) if isinstance(value, dict) else None
        return choice.model(name) if name in choice.names() else None
    annotation = model.model_fields[field].annotation
    options = [annotation, *getattr(annotation, "__args__", ())]  # X | None has X among its arguments
    return next((kind for kind in options if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _type(choice: Choice) -> Any:
    return Annotated[Any, choice, PlainValidator(choice.build)]


def _error(line: Any) -> ValidationError:
    return ValidationError.from_exception_data("choice", [line])
