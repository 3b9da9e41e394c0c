"""The type of the parameter `text`: the key `name` selects the parameter model. Imports no torch."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, PlainValidator


def names() -> list[str]:
    """The names of all encoders: folders with a `params.py`, sorted."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/params.py"))


def _build(value: Any) -> BaseModel:
    if isinstance(value, BaseModel):
        return value
    if not isinstance(value, dict) or value.get("name") not in names():
        raise ValueError(f"must be a mapping with the key `name`: one of {', '.join(names())}")
    return importlib.import_module(f"{__package__}.{value['name']}.params").Params.model_validate(value)


Chosen = Annotated[Any, PlainValidator(_build)]
