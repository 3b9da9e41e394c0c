"""Parameters of `register`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from tasks.core.settings import Strict


class Alias(Strict):
    """An alias of a model version, such as `candidate` in `models:/terrain@candidate`, and when it moves."""

    name: str = Field("candidate", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,99}$")
    """Name of the alias. MLflow keeps `latest` and names such as `v1` for itself."""
    rule: Literal["better", "hand"] = "better"
    """`better`: it moves to a new version whose headline metric is better than that of the version that has it, if
    both were measured alike on the same held-out tiles, made with the same parameters of data. `hand`: it never moves
    by itself; `python -m flows.promote` moves it."""

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if re.fullmatch(r"(?i)latest|v\d+", name):
            raise ValueError("MLflow keeps this name for itself; choose another, such as candidate")
        return name


class Params(Strict):
    """The name of the registered model in MLflow, and the rule of its alias."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$")
    """Name of the registered model in MLflow. Other bytes of model, evaluation or samples make another version."""
    alias: Alias = Alias()
    """The alias that a new version may take over."""
