"""Parameters with a choice in them: a mapping whose one key says which model the other keys must fit.

`chosen` finds the models as folders by name, so there is no list of them. `one_of` takes the models themselves.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, PlainValidator, ValidationError
from pydantic_core import PydanticCustomError


class Choice:
    """What the field of a choice knows: the deciding key, and the model of each of its values."""

    def __init__(self, key: str):
        self.key = key

    def names(self) -> list[str]:
        """The values that the key can have, sorted."""
        raise NotImplementedError

    def model(self, name: str) -> type[BaseModel]:
        """The model of one of `names()`."""
        raise NotImplementedError

    def build(self, value: Any) -> BaseModel:
        """Validate a mapping by the model that its key names; a model that was built is taken as it is."""
        if isinstance(value, BaseModel):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("choice", "must be a mapping with the key `{key}`", {"key": self.key})
        if self.key not in value:
            raise _error({"type": "missing", "loc": (self.key,), "input": value})
        name, known = value[self.key], self.names()
        if name not in known:
            told = PydanticCustomError(
                "choice", "there is no such choice; there are {names}", {"names": ", ".join(known)}
            )
            raise _error({"type": told, "loc": (self.key,), "input": name})
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
    """The models are given; each says its own name as the literal type of the key."""

    def __init__(self, key: str, models: Iterable[type[BaseModel]]):
        super().__init__(key)
        self._models = {model.model_fields[key].annotation.__args__[0]: model for model in models}

    def names(self) -> list[str]:
        return sorted(self._models)

    def model(self, name: str) -> type[BaseModel]:
        return self._models[name]


def choices(package: str) -> list[str]:
    """Names of the folders of `package` that have a `params.py`, sorted: what a person can choose from."""
    folders = importlib.import_module(package).__path__
    return sorted({path.parent.name for folder in folders for path in Path(folder).glob("*/params.py")})


def chosen(package: str, key: str) -> Any:
    """The type of a mapping whose `key` names a folder of `package`: the model `<package>.<value>.params.Params`.

    Only the named folder is imported, so a mistake in another folder does no harm here. Use it as a field's type:
    `source: chosen("tasks.acquire.sources", "kind")`.
    """
    return _type(FolderChoice(package, key))


def one_of(key: str, *models: type[BaseModel]) -> Any:
    """The type of a mapping whose `key` names one of `models`; each declares `<key>: Literal["<name>"]`."""
    return _type(ModelChoice(key, models))


def choice_of(model: type[BaseModel], field: str) -> Choice | None:
    """The choice that a field of a model is; None for any other field."""
    metadata = model.model_fields[field].metadata
    return next((entry for entry in metadata if isinstance(entry, Choice)), None)


def model_below(model: type[BaseModel], field: str, value: Any) -> type[BaseModel] | None:
    """The model of what a field holds, where it holds one; `value` is its unchecked value, which decides a choice."""
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
