"""Licences of tiles: kinds that must not be mixed are named, and every source is credited."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tasks.core.errors import LandloomError
from tasks.formats.tables.captions import read_captions, write_captions
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tests.shard.small import grow, shard


@pytest.fixture
def data(tmp_path) -> Path:
    return grow(tmp_path / "data" / "toy", ("color",), scenes=3, side=64, photographs=True, captions=False)


def licensed(data: Path, *licences: str) -> None:
    """Give the scenes' pictures these licences, each with an author of its own."""
    rows = [
        LedgerRow(
            f"raster{n}", "color", "commons", licence, f"Person {n} | Ärger, {licence}", path="a", url=f"http://x/{n}"
        )
        for n, licence in enumerate(licences)
    ]
    write_ledger([*rows, LedgerRow("unused", "color", "commons", "CC BY-ND 4.0", "Nobody", path="b")], data / "raw")


def test_one_kind_needs_no_word(data):
    licensed(data, "CC BY-SA 4.0", "CC BY-SA 4.0", "CC BY-SA 3.0")
    folder = shard(data)
    card = json.loads((folder / "card.json").read_text())
    groups = [(row["partition"], row["licence"], row["rasters"], row["attributions"]) for row in card["sources"]]
    assert groups == [("share_alike", "CC BY-SA 3.0", 1, 1), ("share_alike", "CC BY-SA 4.0", 2, 2)]
    credits = pd.read_csv(folder / "attributions.csv")
    assert credits["key"].tolist() == ["raster0", "raster1", "raster2"], "what has no tile is not named"
    assert credits["attribution"].tolist() == [f"Person {n} | Ärger, CC BY-SA {4 - n // 2}.0" for n in range(3)]
    assert credits["tiles"].sum() == sum(card["counts"].values()) and credits["url"].tolist()[1] == "http://x/1"
    page = (folder / "card.md").read_text()
    for n in range(3):
        assert f"Person {n} \\| Ärger" in page
    assert "| share_alike | commons | 2 |" in page and "Nobody" not in page


def test_several_kinds_are_refused_unless_told(data):
    licensed(data, "CC BY 4.0", "CC BY-SA 4.0", "CC BY-NC 2.0")
    with pytest.raises(LandloomError) as told:
        shard(data)
    text = str(told.value)
    assert "under 3 kinds of licences" in text and "shard.partitions: [open, share_alike, noncommercial]" in text
    assert "share_alike: 4 tiles, such as scene1/00000_00000, from 1 sources, such as raster1 (CC BY-SA 4.0)" in text
    assert not (data / "shards").exists()
    with pytest.raises(LandloomError, match=r"\[open, share_alike\] does not name .*noncommercial: 4 tiles.*raster2"):
        shard(data, partitions=["open", "share_alike"])
    card = json.loads((shard(data, partitions=["open", "share_alike", "noncommercial"]) / "card.json").read_text())
    assert [row["partition"] for row in card["sources"]] == ["open", "share_alike", "noncommercial"]


def test_a_kind_that_is_not_named_is_refused_even_alone(data):
    licensed(data, *["CC BY-NC 2.0"] * 3)
    with pytest.raises(LandloomError, match="add them, or leave them out in acquire.partitions"):
        shard(data, partitions=["open"])
    shard(data)


def test_the_card_names_who_wrote_the_captions_and_whom_their_names_of_places_are_from(tmp_path):
    data = grow(tmp_path / "data" / "toy")
    captions = read_captions(data / "captions.parquet").reset_index()
    captions.loc[:1, ["text_from", "model", "attribution"]] = ["model", "eye-1", "© Mappers"]
    write_captions(captions, data / "captions.parquet")
    folder = shard(data)
    card = json.loads((folder / "card.json").read_text())["captions"]
    assert (card["by_model"], card["models"], card["attributions"]) == (2, ["eye-1"], ["© Mappers"])
    page = (folder / "card.md").read_text()
    assert "2 were written by eye-1, the others by templates." in page
    assert "Names of places in the captions: © Mappers." in page
