"""Write the kept tiles as TFRecord shards, with an index, a data card and the attributions of all sources.

A shard holds tiles in key order, so one or two workers read each scene. A reader that reads shards in sequence must
shuffle over several shards. A reader that uses the index can take tiles in any order.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa

from tasks.compute.parallel import parallel_map
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_dir, write_json
from tasks.core.stage import Stage
from tasks.formats.shards.records import make_spec
from tasks.formats.shards.shardset import SPLITS
from tasks.formats.tables.captions import read_captions
from tasks.formats.tables.classes import read_classes
from tasks.formats.tables.ledger import read_ledger
from tasks.formats.tables.scenes import read_scenes
from tasks.formats.tables.table import write_table
from tasks.formats.tables.tiles import kept, read_tiles
from tasks.shard.attributions import attributions, check_partitions
from tasks.shard.card import card
from tasks.shard.page import page
from tasks.shard.params import Params
from tasks.shard.writer import ShardJob, ShardResult, disk_error, write_shard


def run(stage: Stage[Params]) -> None:
    """Read scenes, tiles, labels and captions; write `shards/`."""
    params, data, target = stage.params, stage.dir, stage.dir / "shards"
    tiles = _tiles(data, params.px)
    scenes = read_scenes(data / "scenes.parquet").loc[tiles["scene"].unique()]
    credits = attributions(tiles, scenes, read_ledger(data / "raw"))
    check_partitions(params.partitions, tiles, scenes, credits)
    classes = read_classes(data / "labels")
    layers = [*_layers(scenes), *(["label"] if len(classes) else [])]
    texts = list(zip(tiles["key"], tiles["caption"], strict=True))
    spec = make_spec(layers, params.px, params.encoding, params.height_step, texts, params.color_quality)
    if spec.record_bytes is not None:
        _check_room(data, spec.record_bytes * len(tiles))
    try:
        with atomic_dir(target) as folder:
            jobs = [
                ShardJob(folder / name, split, rows, data, scenes.loc[rows["scene"].unique()], params.px, spec)
                for name, split, rows in _deal(tiles, params.tiles_per_shard)
            ]
            written = parallel_map(write_shard, jobs, stage.compute)
            results = list(stage.progress(written, len(jobs), "shards"))
            table = _index(jobs, results)
            _write_index(table, folder / "index.parquet")
            captions = read_captions(data / "captions.parquet").reindex(table["key"])
            facts = card(stage.dataset, params, spec, table, results, credits, classes, captions)
            write_json(folder / "card.json", facts)
            credits.to_csv(folder / "attributions.csv", index=False, lineterminator="\n")
            (folder / "card.md").write_text(page(facts, credits))
    except OSError as error:
        raise disk_error(target / "card", error) from None
    stage.metrics(
        {
            "tiles_train": facts["counts"]["train"],
            "tiles_val": facts["counts"]["val"],
            "shards": len(jobs),
            "shard_bytes": facts["bytes"]["shards"],
            "payload_bytes": facts["bytes"]["payload"],
            "bytes_per_payload": facts["bytes"]["ratio"],
        },
        shown=("tiles_train", "tiles_val", "shards", "shard_bytes"),
    )
    stage.artifact(target / "card.json")
    stage.artifact(target / "card.md")
    stage.say(f"{len(tiles)} tiles in {len(jobs)} shards, {facts['bytes']['shards'] / 1e6:.1f} MB")


def _tiles(data: Path, px: int) -> pd.DataFrame:
    """The kept tiles by split and key, each with its caption (None where it has none)."""
    tiles = kept(read_tiles(data / "tiles.parquet"))
    if not len(tiles):
        raise LandloomError(f"{data / 'tiles.parquet'}: no tile was kept; loosen select's rules")
    odd = tiles[~tiles["split"].isin(SPLITS)]
    if len(odd):
        raise LandloomError(
            f"{data / 'tiles.parquet'}: kept tile {odd['key'].iloc[0]} is in no split; run select again"
        )
    unfit = tiles[tiles["px"] % px != 0]
    if len(unfit):
        raise LandloomError(
            f"shard.px: {px} does not divide the {unfit['px'].iloc[0]} px of tile {unfit['key'].iloc[0]}; "
            "larger windows are shrunk by whole blocks only"
        )
    captions = read_captions(data / "captions.parquet")["text"]
    texts = captions.reindex(tiles["key"])
    tiles["caption"] = [text if isinstance(text, str) else None for text in texts]
    return pd.DataFrame(tiles.drop(columns=["geometry", "keep", "reason"])).sort_values(["split", "key"])


def _layers(scenes: gpd.GeoDataFrame) -> list[str]:
    """Layers (height, color) of the scenes; raise `LandloomError` where scenes have different ones."""
    layers = []
    for layer in ("height", "color"):
        has = scenes[layer].map(lambda name: isinstance(name, str))
        if has.any() and not has.all():
            raise LandloomError(
                f"scene {has.idxmin()} has no {layer} layer, scene {has.idxmax()} has one; "
                "a set of shards needs the same layers everywhere: drop one kind in acquire or select"
            )
        if has.all():
            layers.append(layer)
    return layers


def _check_room(data: Path, wanted: int) -> None:
    """Check the free disk space before the work; raise `LandloomError` where it is too small."""
    free = shutil.disk_usage(data).free
    if wanted > free:
        raise LandloomError(
            f"{data}: the shards need {wanted / 1e9:.2f} GB, {free / 1e9:.2f} GB are free; "
            "free some room, or lower select.quota or shard.px, and run again"
        )


def _deal(tiles: pd.DataFrame, per_shard: int) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(name, split, tiles) of each shard: tiles in key order, in shards of nearly equal size."""
    for split in SPLITS:
        rows = tiles[tiles["split"] == split]
        count = -(-len(rows) // per_shard)
        for number in range(count):
            start, stop = len(rows) * number // count, len(rows) * (number + 1) // count
            yield f"{split}-{number:05}-of-{count:05}.tfrecord", split, rows.iloc[start:stop]


def _index(jobs: list[ShardJob], results: list[ShardResult]) -> pd.DataFrame:
    """One row for each record, in the order of shards: its position, then the facts of its tile."""
    parts = []
    for job, result in zip(jobs, results, strict=True):
        lengths = np.array(result.lengths, np.int64)
        place = {
            "shard": result.name,
            "record": np.arange(len(lengths)),
            "offset": np.cumsum(lengths) - lengths,
            "length": lengths,
        }
        parts.append(pd.DataFrame(place).join(job.tiles.reset_index(drop=True)))
    table = pd.concat(parts, ignore_index=True)
    first = ["shard", "record", "offset", "length", "key", "split", "caption"]
    return table[[*first, *(column for column in table.columns if column not in first)]]


def _write_index(table: pd.DataFrame, path: Path) -> None:
    schema = pa.Schema.from_pandas(table, preserve_index=False)
    caption = pa.field("caption", pa.string())  # all null without captions, so pandas could infer no type
    schema = schema.set(schema.get_field_index("caption"), caption)
    write_table(table, path, schema)
