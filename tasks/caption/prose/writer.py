"""Prose for the tiles of a dataset: the describer with its store and its pictures."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.caption.params import Params, Prose
from tasks.caption.prose.describer import ProseDescriber
from tasks.caption.prose.earlier import adopt_earlier
from tasks.caption.prose.picture import tile_picture
from tasks.caption.prose.store import Store
from tasks.caption.templates import TemplateDescriber
from tasks.core.stage import Stage
from tasks.formats.tables.scenes import SceneReader


@contextmanager
def prose_writer(
    stage: Stage[Params], settings: Prose, tiles: pd.DataFrame, scenes: gpd.GeoDataFrame
) -> Iterator[ProseDescriber]:
    """The describer of a dataset's tiles.

    The store is `.landloom/captions` of this checkout on every machine: `LANDLOOM_STATE` may name a bucket, and a
    bucket has no locks. Other machines get the answers with the table.
    """
    rows = {tile.key: tile for tile in tiles.itertuples()}
    lock = threading.Lock()  # a reader of rasters serves one thread at a time
    store = Store(stage.state_dir("captions"), stage.dataset)
    adopt_earlier(store, stage.root, f"data/{stage.dataset}/captions.parquet", stage.say)
    with SceneReader(stage.dir, scenes) as reader:

        def picture(key: str) -> np.ndarray:
            with lock:
                return tile_picture(reader, rows[key])

        def progress(done: int, total: int) -> None:
            if done == total or done % 50 == 0:
                stage.say(f"texts: {done}/{total}")

        try:
            yield ProseDescriber(
                settings.api, TemplateDescriber(settings.drop_share), store, picture, stage.say, progress
            )
        finally:
            store.close()
