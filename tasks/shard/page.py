"""The data card as a Markdown page for people."""

from __future__ import annotations

from typing import Any

import pandas as pd

LISTED = 1000
"""Most attributions of one licence on the page. `attributions.csv` has all."""

_TERMS = ("partition", "source", "licence", "procedural")


def page(facts: dict[str, Any], credits: pd.DataFrame) -> str:
    """Markdown, made from the content of `card.json` and the table of attributions."""
    sources = _sources(facts, credits)
    sections = [_head(facts), _splits(facts), _heights(facts), _classes(facts), _captions(facts), sources]
    return "\n".join(section for section in [*sections, _reading(facts)] if section)


def _head(facts: dict[str, Any]) -> str:
    counts, size, px = facts["counts"], facts["bytes"], facts["px"]
    names = " and ".join(_FIELDS[field["name"]] for field in facts["spec"]["fields"])
    ground = "Tiles have no place on Earth and no ground sampling distance."
    if facts["gsd"]:
        ground = (
            f"One pixel is {facts['gsd']:g} m of ground everywhere, one tile "
            f"{facts['gsd'] * px / 1000:g} km across, on local equal-area grids."
        )
    computed = facts["procedural_share"]
    warning = {
        0: "",
        1: "\n**All of it is procedural: computed, not measured.** Do not read it as real terrain.\n",
    }.get(
        computed, f"\n**{computed:.1%} of the tiles are procedural**: computed, not measured (column `procedural`).\n"
    )
    return (
        f"# Data card: {facts['dataset']}\n\n"
        f"{sum(counts.values()):,} tiles of {px} × {px} pixels with {names}: {counts['train']:,} to train on, "
        f"{counts['val']:,} held out. {ground}\n{warning}\n"
        "| | |\n|---|---|\n"
        f"| shards | {len(facts['shards'])}, {size['shards'] / 1e6:,.1f} MB |\n"
        f"| encoding | {facts['encoding']}: {_ENCODINGS[facts['encoding']]} |\n"
        f"| bytes stored for each byte of payload | {size['ratio']:.4f} |\n"
        f"{_mirror(facts)}"
    )


def _mirror(facts: dict[str, Any]) -> str:
    if "mirror" not in facts:
        return ""
    return f"| mirror images | {'as true as the tiles: training mirrors them' if facts['mirror'] else 'not true'} |\n"


def _splits(facts: dict[str, Any]) -> str:
    splits = facts["splits"]
    rows = "".join(
        f"| {split} | {facts['counts'][split]:,} | {splits['blocks'][split]:,} | {splits['regions'][split]:,} |\n"
        for split in facts["counts"]
    )
    if splits["shared_blocks"]:
        promise = f"{splits['shared_blocks']} blocks have tiles on both sides: the splits are not independent."
    else:
        promise = "A block is wholly on one side and no tile reaches across, so no ground is in both splits."
    return (
        "## Splits\n\n"
        "Whole blocks were dealt out, never single tiles; a block is a square of ground, or one photograph. "
        f"{promise}\n\n"
        f"| split | tiles | blocks | regions |\n|---|---|---|---|\n{rows}"
    )


def _heights(facts: dict[str, Any]) -> str:
    heights = facts["heights"]
    if heights is None:
        return ""
    names = " | ".join(name.removeprefix("p") for name in heights["relief"])
    rows = "".join(
        f"| {what} | " + " | ".join(f"{value:,.1f}" for value in heights[key].values()) + " |\n"
        for what, key in (("relief of a tile", "relief"), ("mean height of a tile", "tile_mean"))
    )
    void = f" {heights['void_share']:.2%} of the pixels are void (NaN)." if heights["void_share"] else ""
    return (
        "## Heights\n\n"
        f"In metres, of the train split: from {heights['min']:,.1f} to {heights['max']:,.1f}, mean "
        f"{heights['mean']:,.1f}, standard deviation {heights['std']:,.1f}.{void} Zero is a height, not a void.\n\n"
        f"| percentile | {names} |\n|---|{'---|' * len(heights['relief'])}\n{rows}"
    )


def _classes(facts: dict[str, Any]) -> str:
    rows = "".join(f"| {row['id']} | {row['name']} | {row['share']:.1%} |\n" for row in facts["classes"])
    return (
        f"## Classes\n\n255 means no class.\n\n| id | class | share of pixels |\n|---|---|---|\n{rows}" if rows else ""
    )


def _captions(facts: dict[str, Any]) -> str:
    captions = facts["captions"]
    if not captions["count"]:
        return ""
    return (
        "## Captions\n\n"
        f"{captions['count']:,} tiles have a caption, {captions['distinct']:,} of them distinct, "
        f"{captions['mean_characters']:.0f} characters on average. {_writers(captions)}For example:\n\n"
        f"> {captions['example']}\n{_owed(captions['attributions'])}"
    )


def _writers(captions: dict[str, Any]) -> str:
    models = ", ".join(captions["models"])
    return f"{captions['by_model']:,} were written by {models}, the others by templates. " if models else ""


def _owed(attributions: list[str]) -> str:
    return f"\nNames of places in the captions: {'; '.join(attributions)}.\n" if attributions else ""


def _sources(facts: dict[str, Any], credits: pd.DataFrame) -> str:
    rows = "".join(
        f"| {row['partition']} | {row['source']}{' (procedural)' if row['procedural'] else ''} | {row['rasters']:,} | "
        f"{row['tiles']:,} | {_cell(row['licence'])} | {_named(row)} |\n"
        for row in facts["sources"]
    )
    return (
        "## Sources\n\n"
        "Whoever shares these shards or what was made from them owes these attributions; `attributions.csv` has them "
        "for each raster or picture that has a tile here. A tile whose scene was made from two sources counts for both."
        f"\n\n| partition | source | rasters | tiles | licence | attribution |\n|---|---|---|---|---|---|\n{rows}"
        f"{_each(facts, credits)}"
    )


def _named(row: dict[str, Any]) -> str:
    return _cell(row["attribution"]) if row["attributions"] == 1 else f"{row['attributions']:,} different, listed below"


def _each(facts: dict[str, Any], credits: pd.DataFrame) -> str:
    """The attributions of every group that has several, one a line."""
    text = ""
    for row in facts["sources"]:
        if row["attributions"] > 1:
            same = credits[list(_TERMS)].eq([row[name] for name in _TERMS]).all(axis=1)
            named = credits[same].drop_duplicates("attribution")
            lines = "".join(f"- {_cell(one.attribution)}\n" for one in named.head(LISTED).itertuples())
            more = len(named) - LISTED
            rest = f"- and {more:,} more, all of them in `attributions.csv`\n" if more > 0 else ""
            text += f"\n{row['source']}, {_cell(row['licence'])}:\n\n{lines}{rest}"
    return text


def _cell(text: str | None) -> str:
    """Text from another source, escaped for a table."""
    return " ".join(text.split()).replace("|", "\\|") if text else "not stated"


def _reading(facts: dict[str, Any]) -> str:
    spec = facts["spec"]
    first = facts["shards"][0]["name"]
    features = ['    "key": tf.io.FixedLenFeature([], tf.string),']
    if spec["caption"]:
        features.append('    "caption": tf.io.FixedLenFeature([], tf.string),')
    lines = []
    for field in spec["fields"]:
        name, codec = field["name"], field["codec"]
        features.append(f'    "{name}": tf.io.FixedLenFeature([], tf.string),')
        if codec == "raw":
            kind = "tf.float32" if field["dtype"] == "<f4" else "tf.uint8"
            lines.append(f'    {name} = tf.reshape(tf.io.decode_raw(record["{name}"], {kind}), {field["shape"]})')
        elif codec == "png16":
            features.append(f'    "{name}/scale": tf.io.FixedLenFeature([2], tf.float32),  # step, offset')
            lines.append(f'    steps = tf.io.decode_png(record["{name}"], dtype=tf.uint16)[..., 0]  # 65535: void')
            lines.append(
                f'    {name} = tf.cast(steps, tf.float32) * record["{name}/scale"][0] + record["{name}/scale"][1]'
            )
        else:
            decode = {"png8": "decode_png", "webp": "decode_webp"}[codec]
            lines.append(f'    {name} = tf.io.{decode}(record["{name}"])')
    tensorflow = "\n".join(
        ["import tensorflow as tf", "", "features = {", *features, "}", "", "def decode(serialized):"]
        + ["    record = tf.io.parse_single_example(serialized, features)", *lines]
        + [f"    return {', '.join(field['name'] for field in spec['fields'])}", ""]
        + ['tiles = tf.data.TFRecordDataset(sorted(tf.io.gfile.glob("train-*.tfrecord"))).map(decode)']
    )
    numpy = _numpy(spec, first)
    return (
        "## Reading\n\n"
        "With this project's loader, at random, on any number of ranks, resumable:\n\n"
        "```python\n"
        "from pathlib import Path\n"
        "from tasks.formats.shards.loader import Loader\n"
        "from tasks.formats.shards.shardset import ShardSet, verify\n\n"
        f'shards = ShardSet(Path("data/{facts["dataset"]}/shards"))\n'
        'for batch in Loader(shards, "train", batch=64, seed=0):  # one epoch\n'
        f'    batch["{spec["fields"][0]["name"]}"]\n'
        "verify(shards.folder)  # checks every record\n"
        "```\n\n"
        f"{numpy}"
        f"With TensorFlow (a shard holds neighbours, so shuffle wider than one):\n\n```python\n{tensorflow}\n```\n\n"
        "With DALI, give `fn.readers.tfrecord` the `.idx` beside each shard. `index.parquet` has one row a tile: "
        "where its record stands, its split and caption, and everything that is known about it.\n"
    )


def _numpy(spec: dict[str, Any], first: str) -> str:
    if spec["record_bytes"] is None:
        return ""
    field = spec["fields"][0]
    place = ", ".join(map(str, field["shape"]))
    return (
        "With numpy alone, without copying anything:\n\n"
        "```python\n"
        "import numpy as np\n\n"
        f'record = np.dtype({{"names": ["{field["name"]}"], "formats": [("{field["dtype"]}", ({place}))], '
        f'"offsets": [{field["offset"]}], "itemsize": {spec["record_bytes"]}}})\n'
        f'tiles = np.memmap("{first}", record, "r")["{field["name"]}"]  # (n, {place})\n'
        "```\n\n"
    )


_FIELDS = {"height": "heights (float32, metres)", "color": "colour (uint8 RGB)", "label": "a class for every pixel"}
_ENCODINGS = {
    "raw": "arrays as they are, at a fixed place in records of one length",
    "png16": "16-bit PNG of height steps, the step and offset in each record; colour and classes as 8-bit PNG",
    "webp": "colour as WebP, which loses detail; heights as 16-bit PNG of steps; classes as 8-bit PNG",
}
