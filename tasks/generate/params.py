"""Parameters of `generate`."""

from __future__ import annotations

from pydantic import Field

from tasks.settings import Strict


class Params(Strict):
    """How many terrains, from which seed, in how many network evaluations each."""

    # Five files a terrain, and DVC should see fewer than 2,000 an out.
    count: int = Field(ge=1, le=390)
    seed: int = Field(ge=0, lt=2**31)
    steps: int = Field(ge=1, le=1000)
