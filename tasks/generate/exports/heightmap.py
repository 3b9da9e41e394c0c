"""Heights as 16-bit codes, in a PNG and in a raw file without a header."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.generate.export import Export, Facts, Order

if TYPE_CHECKING:
    from tasks.generate.terrain.terrain import Terrain


def _write(folder: Path, terrain: Terrain, order: Order) -> Facts:
    from tasks.generate.terrain.codes import encode
    from tasks.generate.terrain.rasterfiles import write_png16, write_raw16

    coded = encode(terrain.height, order.shared)
    write_png16(folder / f"{terrain.name}.heightmap.png", coded.codes)
    write_raw16(folder / f"{terrain.name}.heightmap.r16", coded.codes)
    return {
        "low_m": coded.low,
        "step_m": coded.step,
        "bits": 16,
        "byte_order": "little-endian in .r16",
        "row_order": "row by row from the north, each row from the west",
        "to_metres": "height in metres = low_m + code * step_m",
    }


EXPORT = Export(
    title="16-bit heightmap",
    products=("heights", "painting"),
    files={"heightmap.png": "16-bit PNG", "heightmap.r16": "raw r16"},
    write=_write,
    note="In 16-bit files, height = low_m + code × step_m, with both numbers in the JSON; rows of the heightmaps run "
    "from the north.",
)
