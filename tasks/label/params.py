"""Parameters of `label`."""

from __future__ import annotations

from typing import Literal

from tasks.settings import Strict


class Params(Strict):
    """How pixels get their classes; `none` leaves the dataset without labels."""

    method: Literal["none"]
