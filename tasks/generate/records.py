"""Records found by name: each module of a package holds one, so that no list of them stands anywhere."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Records(Generic[T]):
    """The records of one package.

    Attributes:
        package: the module or package `<package>.<name>` holds the record of that name. attribute: the variable that
            is the record. noun: what a record is, for messages.
    """

    package: str
    attribute: str
    noun: str

    def names(self) -> list[str]:
        """Names of all records, sorted. None of them is imported."""
        return sorted(module.name for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__))

    def find(self, name: str) -> T:
        """The record of that name.

        Raises:
            ValueError: there is none; the message lists all names.
        """
        if name not in (known := self.names()):
            raise ValueError(f"there is no {self.noun} {name!r}; there are {', '.join(known)}")
        return getattr(importlib.import_module(f"{self.package}.{name}"), self.attribute)
