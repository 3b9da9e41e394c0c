"""Runs the real stage in a separate folder, without MLflow and DVC."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.acquire.common.fields import Download
from tasks.acquire.params import Params
from tasks.acquire.run import run
from tasks.core.dag import stage_entry
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute
from tasks.core.stage import Stage
from tasks.formats.tables.ledger import read_ledger


def params(source: str, area: Any = None, **block: Any) -> Params:
    """The defaults with the block of one source; keys of `download` and of the stage itself go to their own places."""
    polite = {name: block.pop(name) for name in list(block) if name in Download.model_fields}
    own = {name: block.pop(name) for name in list(block) if name in ("max_pixels", "partitions")}
    return Params.model_validate({"source": {"kind": source, **block}, "area": area, "download": polite, **own})


ENTRY = cache(stage_entry)
"""The reading of dvc.yaml takes half of a small run."""


def acquire(root: Path, given: Params) -> pd.DataFrame:
    """Run the stage in `root`; returns the ledger, indexed by key."""
    stage = Stage(ENTRY("acquire", "terrain", ROOT), given, 20, Compute(engine="serial", workers=1), Run(), root)
    run(stage)
    return read_ledger(root / "data/terrain/raw").set_index("key")
