"""Parameters of `report`."""

from __future__ import annotations

from pydantic import Field

from tasks.core.settings import Strict


class Params(Strict):
    """The text at the top of the page."""

    title: str = Field(min_length=1, max_length=120)
    """Heading of the report."""
