"""Pictures as PPM, the plainest of formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from tasks.core.settings import Strict
from tasks.generate.export import Export, Facts, Order


class Settings(Strict):
    """Of the file."""

    comment: str = Field("a toy", max_length=60)
    """A line at its start."""


def _write(folder: Path, sample: Any, order: Order) -> Facts:
    rows, cols = sample.pixels.shape[:2]
    head = f"P6\n# {order.settings.comment}\n{cols} {rows}\n255\n"
    (folder / f"{sample.name}.ppm").write_bytes(head.encode() + sample.pixels.tobytes())
    return {"comment": order.settings.comment}


EXPORT = Export(
    title="PPM",
    products=("image",),
    files={"ppm": "portable pixmap"},
    write=_write,
    settings=Settings,
    note="The PPM is for old programs.",
)
