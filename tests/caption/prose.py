"""Facts of many tiles and a describer over the API on loopback."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from tasks.caption.describer import Caption, Facts
from tasks.caption.prose.describer import ProseDescriber
from tasks.caption.prose.settings import Api as Settings
from tasks.caption.prose.store import Store
from tasks.caption.templates import TemplateDescriber
from tasks.relief.ground_facts import height_facts
from tasks.relief.shade.hillshade import shaded_relief
from tests.caption.api import PRICES, Api

GSD, PX = 90.0, 24
KEY = "a word for a server on loopback"


def tiles(count: int, seed: int = 0) -> tuple[list[str], list[Facts], dict[str, np.ndarray]]:
    """Keys, facts and pictures of ground of all kinds; no two are alike."""
    rng = np.random.default_rng(seed)
    heights = np.stack([gaussian_filter(rng.standard_normal((PX, PX)), rng.uniform(1, 6)) for _ in range(count)])
    heights *= rng.choice([20, 200, 2000], (count, 1, 1)) / heights.std(axis=(1, 2), keepdims=True) / 4
    heights = (heights + rng.choice([50, 900], (count, 1, 1))).astype(np.float32)
    base = {"layers": ["height"], "gsd_m": GSD, "side_km": PX * GSD / 1000}
    place = {"lat": 46.0, "lon": 8.0, "zone": "the northern mid-latitudes"}
    facts = [
        base | {"procedural": number % 5 == 0, "place": None if number % 5 == 0 else place} | measured
        for number, measured in enumerate(height_facts(heights, GSD, 6, 1.0))
    ]
    keys = [f"t{number:05}" for number in range(count)]
    return keys, facts, {key: shaded_relief(height, GSD) for key, height in zip(keys, heights, strict=True)}


KEYS, FACTS, PICTURES = tiles(40)


def settings(url: str, **values: Any) -> Settings:
    """Parameters for the API on loopback; patience is short."""
    given = {"model": "eye", "base_url": url, "usd_per_million": PRICES, "cap_usd": 100.0, "timeout_s": 1.0}
    return Settings.model_validate(given | {"picture_px": 64, "tries": 2, "retries": 6} | values)


def describe(
    folder: Path,
    api: Settings,
    keys: list[str],
    facts: list[Facts],
    pictures: dict[str, np.ndarray],
    say: Callable[[str], None] = lambda line: None,
    dataset: str = "terrain",
) -> list[Caption]:
    """One run over the store in `folder`, as a new process has it."""
    store = Store(folder, dataset)
    try:
        return ProseDescriber(api, TemplateDescriber(0.3), store, pictures.__getitem__, say)(keys, facts)
    finally:
        store.close()


def run(
    folder: Path,
    api: Api,
    keys: list[str] = KEYS,
    say: Callable[[str], None] = lambda line: None,
    dataset: str = "terrain",
    **values: Any,
) -> list[Caption]:
    """One run over the first of the forty tiles."""
    return describe(folder, settings(api.url, **values), keys, FACTS[: len(keys)], PICTURES, say, dataset)


def by(captions: list[Caption]) -> dict[str, int]:
    """How many texts are from the model, and how many from templates."""
    return dict(Counter(caption.text_from for caption in captions))
