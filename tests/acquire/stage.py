"""The stage, run for real in a folder of its own: everything but MLflow and DVC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tasks.acquire.params import Params
from tasks.acquire.run import run
from tasks.core.dag import stage_entry
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute
from tasks.core.stage import Stage
from tasks.formats.tables.ledger import read_ledger

SHIPPED = yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"]["terrain"]["acquire"]


def params(source: str, area: Any = None, **block: Any) -> Params:
    """The shipped parameters with one source's block changed, and the keys of `download` in theirs."""
    polite = {name: block.pop(name) for name in list(block) if name in SHIPPED["download"]}
    rest = {"source": source, "area": area, "download": {**SHIPPED["download"], **polite}}
    own = block["urls"] if source == "urls" else {**SHIPPED[source], **block}
    return Params.model_validate({**SHIPPED, **rest, source: own})


def acquire(root: Path, given: Params) -> pd.DataFrame:
    """Run the stage in `root`; the ledger, by key."""
    stage = Stage(stage_entry("acquire", "terrain", ROOT), given, 20, Compute(engine="serial", workers=1), Run(), root)
    run(stage)
    return read_ledger(root / "data/terrain/raw").set_index("key")
