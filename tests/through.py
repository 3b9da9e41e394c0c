"""Carries files through the real stages from `acquire` to `shard`, in a folder, without MLflow and DVC."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.core.dag import stage_entry
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute
from tasks.core.stage import Stage
from tasks.formats.tables.captions import empty_captions, write_captions
from tasks.formats.tables.classes import empty_classes, write_classes

STAGES = ("acquire", "project", "select", "shard")


def carry(
    root: Path,
    paths: Sequence[Path],
    overrides: dict[str, Any] | None = None,
    stages: Sequence[str] = STAGES,
    **blocks: Any,
) -> Path:
    """Run stages on files of pictures; returns `data/<dataset>`.

    Args:
        blocks: parameters of a stage by its name, over the defaults.
    """
    source = {
        "kind": "files",
        "paths": [str(path) for path in paths],
        "layers": ["color"],
        "overrides": overrides or {},
    }
    data = root / "data" / "terrain"
    for name in stages:
        given = {"source": source} if name == "acquire" else blocks.get(name, {})
        params = importlib.import_module(f"tasks.{name}.params").Params.model_validate(given)
        stage = Stage(stage_entry(name, "terrain", ROOT), params, 20, Compute(engine="serial", workers=1), Run(), root)
        if name == "shard":  # as `label` and `caption` write them for the method `none`
            write_classes(empty_classes(), data / "labels")
            write_captions(empty_captions(), data / "captions.parquet")
        importlib.import_module(f"tasks.{name}.run").run(stage)
        stage.finish()
    return data
