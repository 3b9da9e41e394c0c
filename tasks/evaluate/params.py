"""Parameters of `evaluate`."""

from __future__ import annotations

from pydantic import Field, field_validator

from tasks.core.settings import Strict


class Params(Strict):
    """How much is sampled, and how closely it is looked at."""

    samples: int = Field(ge=16)
    steps: list[int] = Field(min_length=1)
    tiles: int = Field(ge=32)
    projections: int = Field(ge=1)
    bootstrap: int = Field(ge=2)
    inception: str | None

    @field_validator("steps")
    @classmethod
    def _steps(cls, steps: list[int]) -> list[int]:
        if any(step < 1 for step in steps) or len(set(steps)) < len(steps):
            raise ValueError("must be different whole numbers from 1 up")
        return steps

    @field_validator("inception")
    @classmethod
    def _inception(cls, path: str | None) -> str | None:
        if path is not None and not path.strip():
            raise ValueError("must be a path, or null for no FID")
        return path
