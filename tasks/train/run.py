"""Train a generator on the shards. A stopped training continues from its last checkpoint.

A single process uses one GPU or the processor; `accelerate launch --config_file
infra/accelerate/multi-gpu.yaml -m tasks.train <dataset>` uses several GPUs.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from models.core.artifact import build_method, finished, save_model
from models.core.checkpoint import Checkpoints
from models.core.config import SpeedConfig
from models.core.loop import TrainingError, train
from models.core.record import MethodRecord
from models.core.record import method as record_of
from models.core.speed import threads
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_dir
from tasks.core.hashing import file_sha256
from tasks.core.stage import Stage
from tasks.formats.shards.shardset import ShardSet
from tasks.train import kept, pictures
from tasks.train.deadline import cut, deadline
from tasks.train.feed import Feed
from tasks.train.hardware import accelerator as set_up
from tasks.train.params import Params
from tasks.train.training_tiles import Tiles
from tasks.train.watched import stopped, watch_of


def run(stage: Stage[Params]) -> None:
    """Measure the encoding, train, write the model and its pictures."""
    with threads(stage.params.threads):
        _run(stage)


def _run(stage: Stage[Params]) -> None:
    params = stage.params
    accelerator = set_up(params.precision, params.batch, params.speed)
    if accelerator.device.type == "cpu" and params.speed.compile != "none" and params.arithmetic == "fixed":
        raise LandloomError(
            "train.speed.compile: compiled code on a CPU depends on the processor model; set train.arithmetic to fast, "
            "or train.speed.compile to none"
        )
    shards = ShardSet(stage.dir / "shards")
    record = record_of(params.method.name)
    product = _product(record, params.method)
    tiles = Tiles(shards, record, params.method)
    seed = int(stage.rng("train").integers(2**31))
    torch.manual_seed(seed)  # so that every process starts from the same weights
    config = describe(stage, record, tiles, accelerator)
    where = f"params.yaml: datasets.{stage.dataset}.train.method"
    try:
        method = build_method(config, params.lr)
    except ValueError as error:
        raise LandloomError(f"{where} does not fit tiles of {shards.px} px: {error}") from None
    try:
        loaded = record.load(method, stage.root)
    except ValueError as error:
        raise LandloomError(f"{where}.{error}") from None
    config["training"] |= {"parameters": sum(weight.numel() for weight in method.networks.parameters()), **loaded.facts}
    for note in loaded.notes:
        stage.say(note)

    work = kept.folder(stage)
    checkpoints = Checkpoints(work)
    saved = checkpoints.latest()
    if saved is not None:
        stage.say(_goes_on(saved.state["step"], params.steps, work))
    feeds: list[Feed] = []

    def open_feed(position: dict[str, Any] | None) -> Feed:
        rank, world = accelerator.process_index, accelerator.num_processes
        position = position or {"seed": seed, "epoch": 0, "samples": 0}
        pin = params.speed.pinned and accelerator.device.type == "cuda"
        feeds.append(tiles.feed(params.batch // world, position, rank, world, params.augment, params.speed, pin))
        return feeds[-1]

    def log(done: int, row: dict[str, float]) -> None:
        stage.metrics({name: value for name, value in row.items() if name != "step"}, step=done)
        stage.say(f"step {done}/{params.steps}: {pictures.facts(row)}")

    def finish(networks: nn.ModuleDict) -> Any:
        return finished(method, networks, config, accelerator.device)

    def picture(done: int, networks: nn.ModuleDict) -> None:
        drawn = product.show(finish(networks), shards, done)
        path = work / "pictures" / f"step-{done:08d}.png"
        pictures.save(drawn, path)
        stage.artifact(path, "pictures")
        stage.say(f"samples after {done} steps: {path}")

    watch = watch_of(record, params, product, shards, finish, stage.say)
    try:
        result = train(method, params, open_feed, accelerator, checkpoints, seed, log, picture, deadline(), watch)
    except TrainingError as error:
        raise LandloomError(str(error)) from None
    finally:
        for opened in feeds:
            opened.close()
    if not accelerator.is_main_process:
        return
    collapsed = stopped(watch, result.done, params.steps)
    short = {} if collapsed else cut(result.done, params)
    if watch is not None:
        config["training"] |= {"snapshot": watch.facts(), **({"stopped_by_collapse": result.done} if collapsed else {})}
        stage.say(f"the model is that of step {watch.facts()['step']}: {watch.facts()['why']}")
    if short:
        stage.say(f"the time is up: a model of {result.done} of {params.steps} steps")
        config["training"] |= short | {"partial": True}
    stage.metrics(short)

    with atomic_dir(stage.dir / "pictures" / "train") as folder:
        for path in sorted((work / "pictures").glob("step-*.png")):
            shutil.copy(path, folder)
        pictures.save(pictures.curve(result.curve), folder / "curve.png")
    stage.artifact(stage.dir / "pictures" / "train" / "curve.png", "pictures")
    with atomic_dir(stage.dir / "model") as folder:
        save_model(folder, config, result.networks)
        product.leave(finish(result.networks), shards, folder)
        last = sorted((work / "pictures").glob("step-*.png"))[-1]
        if watch is None:
            shutil.copy(last, folder / "samples.png")
        else:  # the last picture may be of a later step than the model
            pictures.save(product.show(finish(result.networks), shards, watch.facts()["step"]), folder / "samples.png")
    stage.artifact(stage.dir / "model" / "config.json", "model")
    _plot(stage, result.curve)
    last_row = {name: value for name, value in result.curve[-1].items() if name != "step"}
    losses = [value for name, value in last_row.items() if name.endswith("/loss")]  # of the phases, in their order
    shown = ("loss", "parameters", "tiles", "steps_per_second", "train_seconds")
    stage.metrics({**last_row, **({"loss": losses[0]} if losses else {})}, shown=shown)
    stage.metrics({"tiles": len(shards.rows("train")), "parameters": config["training"]["parameters"]})
    if result.steps:
        share, speed = result.waiting / result.seconds, result.steps / result.seconds
        stage.timing({"waiting_share": share, "steps_per_second": speed, "train_seconds": result.seconds})
        stage.say(f"{speed:.2f} steps/s, {100 * share:.2f} % of the time spent waiting for data")
    if not short:
        stage.spent(work, stage.dir / "model")
    elif result.done % params.picture_every:  # a resumed training does not make this picture
        last.unlink()


def _plot(stage: Stage[Params], curve: list[dict[str, float]]) -> None:
    """One table for each number of the curve, because a phase logs its numbers only in the steps where it runs."""
    for name in sorted({name for row in curve for name in row} - {"step"}):
        stage.plot(name, [{"step": row["step"], name: row[name]} for row in curve if name in row])


def _goes_on(done: int, steps: int, work: Path) -> str:
    if done < steps:
        return f"going on from step {done} of {steps}"
    return f"trained already; its outputs are written again (to train anew, delete {work})"


def _product(record: MethodRecord, method: Any) -> ModuleType:
    """The module that makes pictures of the product, `tasks.train.<product>`."""
    name = f"tasks.train.{record.product(method)}"
    if importlib.util.find_spec(name) is None:
        raise LandloomError(f"models/{record.name}: nothing shows the product {record.product(method)!r}; write {name}")
    return importlib.import_module(name)


def describe(stage: Stage[Params], record: MethodRecord, tiles: Tiles, accelerator: Accelerator) -> dict[str, Any]:
    """The content of `config.json`: everything needed to build the method again, and facts about its training data."""
    params, shards = stage.params, tiles.shards
    apart = {"method", "speed"} if record.adversarial else {"method", "speed", "watch"}
    return {
        "product": record.product(params.method),
        "method": params.method.model_dump(mode="json"),
        "px": shards.px,
        "gsd": shards.card["gsd"],
        "classes": tiles.classes,
        "encoding": tiles.encoding.to_dict(),
        **({} if tiles.mirror is None else {"mirror": tiles.mirror}),
        "training": {
            **params.model_dump(mode="json", exclude=apart),
            **({"speed": params.speed.model_dump(exclude_defaults=True)} if params.speed != SpeedConfig() else {}),
            "seed": stage.seed,
            "mixed_precision": accelerator.mixed_precision,
        },
        "data": {
            "dataset": stage.dataset,
            "tiles": len(shards.rows("train")),
            "card_sha256": file_sha256(shards.folder / "card.json"),
        },
    }
