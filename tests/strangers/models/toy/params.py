"""Parameters of the method `toy`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from models.core.config import Config


class Params(Config):
    """A linear generator of small pictures, trained by sliced Wasserstein distances."""

    product: ClassVar[str] = "image"
    name: Literal["toy"]
    """The method."""
    z: int = Field(24, ge=1)
    """Numbers that a picture is made from."""
    side: int = Field(8, ge=2)
    """Side of the small picture that the generator makes before it is enlarged."""
    directions: int = Field(64, ge=1)
    """Directions that real and generated pictures are compared along in a step."""
