"""Decide which tiles are kept, and why: rules, then near-duplicates, then the split, then the quota.

Near-duplicates of heights are found by hashes (`duplicates`). Pictures are compared by marks too (`matches`): copies
are dropped, and pictures that share a part of what they show stay on one side of the split.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tasks.core.errors import LandloomError
from tasks.select.blocks import BlockGrid
from tasks.select.duplicates import near_duplicates
from tasks.select.groups import across, copies, joined, split_groups
from tasks.select.matches import Pairs, alike
from tasks.select.params import Params
from tasks.select.rules import apply_rules
from tasks.select.split import NEITHER, TRAIN, VAL, Touches, split_tiles
from tasks.select.stratify import choose, is_picture, strata

DUPLICATE, STRADDLES, OVER = "near-duplicate", "straddles the split", "over quota"


def judge(tiles: pd.DataFrame, params: Params, seed: int) -> pd.DataFrame:
    """Add `keep`, `reason`, `duplicate_of` and `split` to tiles that are sorted by key.

    Args:
        tiles: what `cut_batch` gives, of all scenes, with an index from 0.

    Raises:
        LandloomError: nothing would be kept, or a side of the split would be empty.
    """
    reason = apply_rules(tiles, params.rules)
    repeats = np.full(len(tiles), None, object)
    if params.duplicate_bits is not None:
        left = _left(reason)
        first = _duplicates(tiles.iloc[left], params.duplicate_bits)
        again = first >= 0
        reason[left[again]] = DUPLICATE
        repeats[left[again]] = tiles["key"].to_numpy(object)[left[first[again]]]
    keys, pairs = tiles["key"].to_numpy(object), _pairs(tiles, _left(reason), params)
    again, first = copies(pairs, params.duplicate_overlap)
    reason[again], repeats[again] = DUPLICATE, keys[first]
    tiles = tiles.assign(block=_grouped(tiles, pairs))
    left = _left(reason)
    sides = np.full(len(tiles), NEITHER, np.int8)
    sides[left] = _sides(tiles.iloc[left], params, seed)
    reason[left[sides[left] == NEITHER]] = STRADDLES
    train, val = across(pairs, sides)
    reason[train], repeats[train], sides[train] = DUPLICATE, keys[val], NEITHER
    split = np.full(len(tiles), None, object)
    for side, name, quota in _quotas(sides[left], params.quota, params.val_share):
        here = np.flatnonzero(sides == side)
        chosen = _within_quota(tiles.iloc[here], params, quota, seed)
        split[here[chosen]] = name
        reason[here[~chosen]] = OVER
    keep = split != None  # noqa: E711 - elementwise
    if not keep.any():
        raise LandloomError(f"select: none of {len(tiles)} tiles is kept: {_tally(reason)}; loosen select.rules")
    return tiles.assign(keep=keep.astype(bool), reason=reason, duplicate_of=repeats, split=split)


def touch_blocks(tiles: pd.DataFrame, block_km: float) -> Touches:
    """Blocks that tiles touch: by bounding box for tiles on Earth, else only the tile's own block."""
    placed = np.flatnonzero(tiles["lat"].notna())
    grid = BlockGrid(block_km)
    box, ids = grid.touched(*(tiles[side].to_numpy()[placed] for side in ("west", "south", "east", "north")))
    numbers, which = np.unique(ids, return_inverse=True)
    on_earth = np.array([grid.name(number) for number in numbers.tolist()], object)[which]
    elsewhere = np.flatnonzero(tiles["lat"].isna())
    tile = np.concatenate([placed[box], elsewhere])
    names = np.concatenate([on_earth, tiles["block"].to_numpy(object)[elsewhere]])
    known, block = np.unique(names.astype(str), return_inverse=True)
    order = np.lexsort((block, tile))
    return Touches(tile[order], block[order], known.tolist(), tiles["region"].to_numpy(object))


def _left(reason: np.ndarray) -> np.ndarray:
    """Indices of the tiles that are not dropped yet."""
    return np.flatnonzero(reason == None)  # noqa: E711 - elementwise


def _duplicates(tiles: pd.DataFrame, bits: int) -> np.ndarray:
    """For each tile the earlier tile that it duplicates, or -1."""
    flat = tiles["h_mean"].isna()
    level = tiles["h_mean"].where(~flat, tiles["color_mean"])
    spread = tiles["relief"].where(~flat, tiles["color_std"])
    return near_duplicates(tiles["phash"].to_numpy(np.uint64), level.to_numpy(), spread.to_numpy(), bits)


def _pairs(tiles: pd.DataFrame, left: np.ndarray, params: Params) -> Pairs:
    """Pairs of pictures that show the same place, by their numbers in the table. Pairs of one source are left out."""
    chosen = left[is_picture(tiles)[left]]
    if params.duplicate_marks is None or not len(chosen):
        return Pairs.none()
    placed = tiles["lat"].notna().to_numpy()[chosen]
    # Overlapping windows of one scene are known to overlap; tiles of one sheet or photograph stay together anyway.
    family = np.where(placed, tiles["scene"].to_numpy(object)[chosen], tiles["block"].to_numpy(object)[chosen])
    names = np.array([f"{where}/{name}" for where, name in zip(placed.tolist(), family, strict=True)])
    families = np.unique(names, return_inverse=True)[1]
    found = alike(tiles["marks"].to_numpy(object)[chosen].tolist(), families, params.duplicate_marks)
    return replace(found, first=chosen[found.first], second=chosen[found.second])


def _grouped(tiles: pd.DataFrame, pairs: Pairs) -> np.ndarray:
    """The block of each tile; near-duplicates without a place get one block, and so do all tiles of their sources."""
    block, nowhere = tiles["block"].to_numpy(object), tiles["lat"].isna().to_numpy()
    inside = nowhere[pairs.first] & nowhere[pairs.second]
    if not inside.any():
        return block
    place = np.cumsum(nowhere) - 1
    block = block.copy()
    block[nowhere] = joined(block[nowhere], place[pairs.first[inside]], place[pairs.second[inside]])
    return block


def _sides(tiles: pd.DataFrame, params: Params, seed: int) -> np.ndarray:
    """Side of each tile: by group where no tile has a place on Earth, else by geographic block."""
    if len(tiles) and tiles["lat"].isna().all():
        return split_groups(tiles["block"].tolist(), tiles["region"].tolist(), params.val_share, seed)
    return split_tiles(touch_blocks(tiles, params.block_km), params.val_share, seed)


def _quotas(sides: np.ndarray, quota: int, val_share: float) -> list[tuple[int, str, int]]:
    """Quota of each side: its share, plus what the other side cannot use."""
    train, val = int((sides == TRAIN).sum()), int((sides == VAL).sum())
    for_val = min(val, max(round(quota * val_share), quota - train))
    return [(TRAIN, "train", quota - for_val), (VAL, "val", for_val)]


def _within_quota(tiles: pd.DataFrame, params: Params, quota: int, seed: int) -> np.ndarray:
    """Choose tiles of one side evenly over the strata."""
    return choose(tiles["key"].tolist(), strata(tiles, params), quota, seed)


def _tally(reason: np.ndarray) -> str:
    """Reasons with the numbers of tiles that they dropped, most first."""
    counts = pd.Series(reason).value_counts()
    return ", ".join(
        f"{count} for {name!r}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
