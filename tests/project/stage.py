"""Runs the real stage in a separate folder, without MLflow and DVC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.core.dag import stage_entry
from tasks.core.files import write_json
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute
from tasks.core.stage import Stage
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tasks.project.params import Params
from tasks.project.rasters import Raster
from tasks.project.run import run

PARAMS = {
    "method": "local_equal_area",
    "gsd": 90.0,
    "scene_px": 512,
    "resampling": "cubic",
    "max_upsample": 2.5,
    "fill_px": 8,
    "lowest": None,
    "crops": None,
}


def ledger_row(raster: Raster, **changes: Any) -> LedgerRow:
    """The row that acquire writes for a raster in `raw/`."""
    row = {"key": raster.key, "layer": raster.layer, "path": Path(raster.path).name, "crs": raster.crs}
    row |= {"nodata": raster.nodata, "source": "files", "licence": "CC0-1.0", "attribution": "test"}
    return LedgerRow(**(row | changes))


def project(root: Path, rows: Sequence[LedgerRow], engine: str = "serial", **changes: Any) -> Path:
    """Write the ledger beside the rasters in `root/data/terrain/raw`, run the stage, return `root/data/terrain`."""
    write_ledger(list(rows), root / "data/terrain/raw")
    params = Params(**(PARAMS | changes))
    stage = Stage(stage_entry("project", "terrain", ROOT), params, 20, Compute(engine=engine, workers=2), Run(), root)
    run(stage)
    stage.finish()
    write_json(stage.dir / "runs" / "project.json", {"figures": stage.figures})  # as `tasks.runs.execute` writes them
    return stage.dir
