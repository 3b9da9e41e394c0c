"""Two datasets at the least scale that still runs all of their code: for processors that are emulated."""

from __future__ import annotations

from typing import Any

from tests.pipeline.conftest import NETWORK, TOY

ATLAS: dict[str, Any] = {
    "acquire.source": {"planet_map_px": 512},
    "project": {"gsd": 40000, "scene_px": 32, "crops": 110},
    "select": {"px": 32, "stride": 32, "quota": 60, "block_km": 4000.0, "val_share": 0.6},
    "label.method": {
        "features": {"radii_px": [2, 5]},
        "sample": {"pixels": 300},
        "embedding": {"neighbours": 15, "epochs": 20},
        "choice": {"candidates": [2, 4], "replicates": 2, "least_stability": 0.3, "least_cluster": 0.03},
        "hidden": 8,
    },
    "shard": {"px": 32},
    "train": {"steps": 4, "batch": 4, "warmup": 1, "checkpoint_every": 4, "picture_every": 4, "log_every": 2},
    "train.method": {
        "generator": {"channels": [8, 8, 4], "hidden": 4, "z": 4},
        "discriminator": {"channels": 4, "layers": 2, "scales": 2},
    },
    "evaluate": {"samples": 16, "tiles": 32, "projections": 8, "bootstrap": 2},
    "generate": {"count": 1},
}
TERRAIN: dict[str, Any] = {
    **TOY,
    "train": {**TOY["train"], "steps": 6, "checkpoint_every": 6, "picture_every": 6},
    "train.method.network": NETWORK,
    "evaluate": {"samples": 16, "projections": 8, "bootstrap": 2},
    "generate": {"count": 1},
}
DATASETS = {"terrain": TERRAIN, "atlas": ATLAS}
