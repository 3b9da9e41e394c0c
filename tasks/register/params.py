"""Parameters of `register`."""

from __future__ import annotations

from pydantic import Field

from tasks.core.settings import Strict


class Params(Strict):
    """The name of the registered model in MLflow."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$")
    """Name of the registered model in MLflow; each run of `register` adds a version."""
