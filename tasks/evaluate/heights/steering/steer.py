"""Measures every condition of a model that has a module in `conditions`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.evaluate.account import Account, Group, Picture
from tasks.evaluate.heights.steering.part import Held, Part, Task
from tasks.evaluate.params import Params
from tasks.evaluate.real_tiles import whole_tiles
from tasks.formats.shards.shardset import ShardSet
from tasks.relief.ground_facts import FLAT_DEG, LOOKUP_PX, height_facts
from tasks.relief.landform_classes import kind

PACKAGE = "tasks.evaluate.heights.steering.conditions"
BATCH = 32  # samples between two lines of progress


def add_steering(stage: Stage[Params], model: Any, shards: ShardSet, account: Account) -> None:
    """Add to `account` what is measured of the model's conditions; nothing for a model without any."""
    groups = []
    for name, part in measure_steering(stage, model, shards).items():
        if part is None:
            account.notes.append(f"No held-out tile can steer the model's condition {name}, so it is not measured.")
        else:
            groups.append(_add(stage, account, name, part))
    account.groups[:0] = groups


def measure_steering(
    stage: Stage[Params], model: Any, shards: ShardSet, only: Sequence[str] | None = None
) -> dict[str, Part | None]:
    """What is measured of each of the model's conditions; None where no held-out tile can steer it.

    Args:
        only: names of conditions; None means all.
    """
    wanted = [name for name in model.conditions if only is None or name in only]
    measured = [name for name in wanted if importlib.util.find_spec(f"{PACKAGE}.{name}") is not None]
    if not measured:
        return {}
    held, parts = held_out(stage, shards), {}
    for name in measured:
        task = Task(
            held,
            float(model.gsd),
            model.coarse_px,
            lambda conditions, name=name, **more: _sample(stage, model, conditions, name, **more),
            lambda purpose, name=name: stage.rng(f"steering {name} {purpose}"),
            stage.params.guidance,
        )
        parts[name] = importlib.import_module(f"{PACKAGE}.{name}").measure(task)
    return parts


def held_out(stage: Stage[Params], shards: ShardSet) -> Held:
    """Up to `evaluate.steered` held-out tiles, with their captions and facts."""
    found = whole_tiles(stage, shards, "val", stage.params.steered, ("height",), key="steering")
    texts = shards.index["caption"].iloc[found["row"]]
    captions = [text if isinstance(text, str) else "" for text in texts]
    facts = height_facts(found["height"], float(shards.card["gsd"]), LOOKUP_PX, FLAT_DEG)
    return Held(found["height"], captions, facts, [kind(one) for one in facts])


def _sample(
    stage: Stage[Params], model: Any, conditions: Mapping[str, np.ndarray], name: str, guidance: float = 1.0
) -> np.ndarray:
    count, out = len(next(iter(conditions.values()))), []
    steps = stage.params.steps[-1]
    for start in stage.progress(range(0, count, BATCH), what=f"batches steered by {name}"):
        indices = np.arange(start, min(start + BATCH, count))
        given = {key: values[indices] for key, values in conditions.items()}
        try:
            out.append(model.sample(indices, seed=stage.seed, steps=steps, conditions=given, guidance=guidance))
        except ValueError as error:
            raise LandloomError(f"{stage.dir / 'model'}: samples with the condition {name}: {error}") from None
    tiles = np.concatenate(out)
    broken = int((~np.isfinite(tiles).reshape(len(tiles), -1).all(axis=1)).sum())
    if broken:
        raise LandloomError(
            f"{stage.dir / 'model'}: {broken} of {len(tiles)} samples with the condition {name} hold values that are "
            "not numbers: the training diverged; lower train.lr and train again"
        )
    return tiles


def _add(stage: Stage[Params], account: Account, name: str, part: Part) -> Group:
    """Add numbers and picture of a part; return its group."""
    group = f"steering_{name}"
    account.metrics += part.metrics
    account.details[group] = part.details
    if part.picture is not None:
        text, figure = part.picture
        stage.picture(group, figure)
        account.pictures.append(Picture(group, text, group))
    return Group(group, part.title, [part.finding, *part.text], table=part.table)
