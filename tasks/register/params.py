"""Parameters of `register`."""

from __future__ import annotations

from pydantic import Field

from tasks.core.settings import Strict


class Params(Strict):
    """The name under which model versions are kept."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$")
    """Of the registered model in MLflow; each run of `register` adds a version."""
