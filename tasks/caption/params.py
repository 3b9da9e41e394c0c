"""Parameters of captioning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tasks.core.settings import Strict


class Facts(Strict):
    """How facts are measured, and how much of them a text may leave out."""

    lookup_px: int = Field(ge=2, le=512)
    flat_deg: float = Field(ge=0.0, lt=45.0)
    drop_share: float = Field(ge=0.0, le=1.0)


class Params(Strict):
    """`method: none` needs no more; `method: facts` needs the block `facts`."""

    method: Literal["none", "facts"]
    facts: Facts | None = None  # absent, not a value: a dataset without captions has no facts to set

    @model_validator(mode="after")
    def _block(self) -> Params:
        if self.method == "facts" and self.facts is None:
            raise ValueError("method facts needs the block `facts` (lookup_px, flat_deg, drop_share)")
        return self
