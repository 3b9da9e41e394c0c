"""Write `captions.parquet`: for every kept tile its measured facts, and a text from them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from tasks.caption import sheet
from tasks.caption.describer import Caption, Describer, Facts
from tasks.caption.measure import BATCH, batches, measure_batch
from tasks.caption.params import Facts as Settings
from tasks.caption.params import Params, Prose
from tasks.caption.place.names import Folders, Places, find_places, turns
from tasks.caption.place.settings import NoPlace
from tasks.caption.templates import TemplateDescriber
from tasks.compute.parallel import parallel_map
from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.formats.tables.captions import empty_captions, write_captions
from tasks.formats.tables.classes import read_classes
from tasks.formats.tables.ledger import read_ledger
from tasks.formats.tables.scenes import read_scenes
from tasks.formats.tables.tiles import kept, read_tiles
from tasks.relief.geomorphons import NAMES

SHOWN = ("captions", "texts_by_model", "unique_share", "words_mean")


def run(stage: Stage[Params]) -> None:
    """Write the captions. With `method: none` the table is empty, and the metrics say so."""
    output = stage.dir / "captions.parquet"
    if stage.params.method.name == "none":
        write_captions(empty_captions(), output)
        stage.metrics({"captions": 0}, shown=SHOWN)
        return
    settings = stage.params.method
    tiles, scenes = read_inputs(stage)
    captions = empty_captions()
    if len(tiles):
        with _describer(stage, settings, tiles, scenes) as describe:
            facts, places = measure(stage, settings, tiles, scenes)
            texts = describe(list(tiles["key"]), facts)
        captions = _table(settings, tiles, facts, texts, places)
        stage.picture("sheet", sheet.draw(tiles, scenes, captions, stage.dir))
        figures = summary(captions, facts) | _told(settings, captions, facts, places)
        stage.metrics(figures, shown=SHOWN, columns=2)
    else:
        stage.metrics({"captions": 0}, shown=SHOWN)
    write_captions(captions, output)


def read_inputs(stage: Stage[Params]) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The kept tiles and the scenes.

    Raises:
        LandloomError: the tables do not fit each other.
    """
    scenes = read_scenes(stage.dir / "scenes.parquet")
    tiles = kept(read_tiles(stage.dir / "tiles.parquet"))
    _check(tiles, scenes, stage.dir)
    return tiles, scenes


def measure(
    stage: Stage[Params], settings: Settings, tiles: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame
) -> tuple[list[Facts], Places]:
    """The facts of each tile, in the order of `tiles`, and the names of places that are in them."""
    shared = partial(turns, partial(stage.state_dir, "hosts"), stage.say)
    folders = Folders(stage.root, stage.kept_dir("places"), shared, stage.dataset)
    places = find_places(pd.DataFrame(tiles), settings.place, folders, stage.say)
    named = read_classes(stage.dir / "labels")
    classes = dict(zip(named["id"].tolist(), named["name"], strict=True))
    work = batches(tiles, scenes, read_ledger(stage.dir / "raw"), places.found)
    measured = parallel_map(
        partial(measure_batch, folder=stage.dir, settings=settings, classes=classes), work, stage.compute
    )
    results = stage.progress(measured, len(work), f"batches of {BATCH} tiles")
    return [tile for batch in results for tile in batch], places


@contextmanager
def _describer(
    stage: Stage[Params], settings: Settings, tiles: gpd.GeoDataFrame, scenes: gpd.GeoDataFrame
) -> Iterator[Describer]:
    """The writer of the texts that the parameters choose."""
    if not isinstance(settings, Prose):
        yield TemplateDescriber(settings.drop_share)
        return
    from tasks.caption.prose.writer import prose_writer  # here, because openai takes a second to import

    with prose_writer(stage, settings, tiles, scenes) as prose:
        prose.check_key()
        yield prose
        stage.timing({"prose_requests": prose.spent.sent, "prose_paid_usd": prose.spent.usd})


def _table(
    settings: Settings, tiles: gpd.GeoDataFrame, facts: list[Facts], texts: list[Caption], places: Places
) -> pd.DataFrame:
    keys = tiles["key"].to_numpy()
    found = [places.found.get(key) for key in keys]
    columns = ("text", "text_from", "reason", "model", "cost_usd", "request", "answers")
    return pd.DataFrame(
        {
            "key": keys,
            "facts": [json.dumps(tile, sort_keys=True, allow_nan=False) for tile in facts],
            "method": settings.name,
            "attribution": [place.attribution if place else None for place in found],
            **{name: [getattr(caption, name) for caption in texts] for name in columns},
        }
    )


def summary(captions: pd.DataFrame, facts: list[Facts]) -> dict[str, float]:
    """Figures that show whether the texts are useful for training."""
    words = captions["text"].str.split().str.len()
    leading = Counter(tile["dominant"][0] for tile in facts if tile.get("dominant"))
    return {
        "captions": len(captions),
        "words_mean": round(float(words.mean()), 2),
        "words_least": int(words.min()),
        "words_most": int(words.max()),
        "unique_share": round(captions["text"].nunique() / len(captions), 4),
        "procedural_share": round(sum(tile["procedural"] for tile in facts) / len(facts), 4),
        **{f"leading_{name}_share": round(leading[name] / len(facts), 4) for name in NAMES},
    }


def _told(settings: Settings, captions: pd.DataFrame, facts: Sequence[Facts], places: Places) -> dict[str, Any]:
    """Figures of names and of prose, where the parameters ask for them."""
    told: dict[str, Any] = {}
    if not isinstance(settings.place, NoPlace):
        told |= {"places_named": places.named, "places_failed": places.failed}
        told["places_without_name"] = sum(bool(tile["place"]) for tile in facts) - places.named - places.failed
    if isinstance(settings, Prose):
        by_model = captions["text_from"] == "model"
        told |= {
            "texts_by_model": int(by_model.sum()),
            "texts_in_part": int((by_model & captions["reason"].notna()).sum()),
            "texts_by_template": int((~by_model).sum()),
            "cost_usd": round(float(captions["cost_usd"].sum()), 6),
        }
    return told


def _check(tiles: pd.DataFrame, scenes: gpd.GeoDataFrame, folder: Path) -> None:
    unknown = ~tiles["scene"].isin(scenes.index)
    if unknown.any():
        raise LandloomError(
            f"{folder / 'tiles.parquet'}: tile {tiles['key'][unknown].iloc[0]} lies in a scene that scenes.parquet "
            "does not have; run select again"
        )
    high = tiles["scene"].map(scenes["height"].notna()).astype(bool)
    lost = high & tiles["gsd"].isna()
    if lost.any():
        raise LandloomError(
            f"{folder / 'tiles.parquet'}: tile {tiles['key'][lost].iloc[0]} has heights but no GSD, so its slopes "
            "are unknown; give its scene a CRS in project, or caption it with method none"
        )
