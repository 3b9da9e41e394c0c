"""The scans of a ledger, and the survey of all of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tasks.compute.parallel import parallel_map
from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.project.params import Params
from tasks.project.sheets.survey import Found, Scan, survey, together

DROPPED = "dropped by hand"
"""The reason of a source whose key is in `project.drop`."""


def scans_of(ledger: pd.DataFrame, raw: Path, stage: Stage[Params]) -> tuple[list[Scan], dict[str, str]]:
    """The acquired pictures in ledger order, and key to reason of the acquired rasters that are no pictures."""
    scans, refused = [], {}
    for row in ledger[ledger["refused"].isna()].itertuples():
        path = raw / row.path
        if row.layer != "color":
            refused[row.key] = f"it holds heights, and method {stage.params.method} takes pictures"
            continue
        if not path.is_file() or (not np.isnan(row.bytes or np.nan) and path.stat().st_size < row.bytes):
            raise LandloomError(f"{row.key}: {path} is missing or cut short; delete it and run acquire again")
        words = tuple(int(word) for word in stage.rng("squares", row.key).integers(0, 2**32, 4))
        scans.append(Scan(row.key, str(path), bool(row.procedural), row.key in stage.params.drop, words))
    return scans, refused


def survey_all(scans: list[Scan], stage: Stage[Params]) -> list[Found]:
    """All scans in order, with what was found on each. A thumbnail takes about 10 kB of memory."""
    parts = together(scans)
    made = parallel_map(partial(survey, params=stage.params), parts, stage.compute)
    return [item for found in stage.progress(made, len(parts), "batches of scans") for item in found]
