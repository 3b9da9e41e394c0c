"""Train a generator on the shards, going on from where an earlier attempt was stopped.

Started alone it uses the one GPU or the processor; `accelerate launch --config_file
infra/accelerate/multi-gpu.yaml -m tasks.train <dataset>` uses several GPUs.
"""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from matplotlib.figure import Figure
from torch import nn

from models.artifact import Generator, build_method, save_model
from models.checkpoint import Checkpoints
from models.encoding import HeightEncoding
from models.loop import TrainingError, train
from tasks.errors import LandloomError
from tasks.files import atomic_dir, write_json
from tasks.formats.shards import ShardSet
from tasks.hashing import file_sha256
from tasks.stage import Stage
from tasks.train import kept, pictures
from tasks.train.feed import Feed
from tasks.train.hardware import accelerator as set_up
from tasks.train.params import Params
from tasks.train.tiles import feed, fit

SHOWN = pictures.SIDE**2
STEPS = (1, 2)  # network evaluations of the samples shown


def run(stage: Stage[Params]) -> None:
    """Fit the encoding, train, write the model and its pictures."""
    params = stage.params
    accelerator = set_up(params.precision, params.threads, params.batch)
    shards = ShardSet(stage.dir / "shards")
    encoding = fit(shards, params.consistency.sigma_data)
    seed = int(stage.rng("train").integers(2**31))
    torch.manual_seed(seed)  # the first weights, the same in every process
    config = describe(stage, shards, encoding, accelerator)
    try:
        method = build_method(config, params.lr)
    except ValueError as error:
        raise LandloomError(f"params.yaml: train.network does not fit tiles of {shards.px} px: {error}") from None

    config["training"]["parameters"] = sum(weight.numel() for weight in method.networks.parameters())

    work = kept.folder(stage)
    checkpoints = Checkpoints(work)
    saved = checkpoints.latest()
    if saved is not None:
        stage.say(f"going on from step {saved.state['step']} of {params.steps}")
    feeds: list[Feed] = []

    def open_feed(position: dict[str, Any] | None) -> Feed:
        rank, world = accelerator.process_index, accelerator.num_processes
        position = position or {"seed": seed, "epoch": 0, "samples": 0}
        pin = accelerator.device.type == "cuda"
        share = params.batch // world
        feeds.append(feed(shards, encoding, share, params.augment, position, rank, world, pin))
        return feeds[-1]

    def log(done: int, row: dict[str, float]) -> None:
        stage.metrics({name: value for name, value in row.items() if name != "step"}, step=done)
        stage.say(f"step {done}/{params.steps}: {pictures.facts(row)}")

    def picture(done: int, networks: nn.ModuleDict) -> None:
        drawn = show(Generator(method, networks, encoding, config, accelerator.device), shards, done)
        pictures.save(drawn, work / "pictures" / f"step-{done:08d}.png")
        stage.artifact(work / "pictures" / f"step-{done:08d}.png", "pictures")

    try:
        result = train(method, params, open_feed, accelerator, checkpoints, seed, log, picture)
    except TrainingError as error:
        raise LandloomError(str(error)) from None
    finally:
        for opened in feeds:
            opened.close()
    if not accelerator.is_main_process:
        return

    with atomic_dir(stage.dir / "pictures" / "train") as folder:
        for path in sorted((work / "pictures").glob("*.png")):
            shutil.copy(path, folder)
        pictures.save(pictures.curve(result.curve), folder / "curve.png")
    stage.artifact(stage.dir / "pictures" / "train" / "curve.png", "pictures")
    with atomic_dir(stage.dir / "model") as folder:
        save_model(folder, config, result.networks)
        write_json(folder / "curve.json", result.curve)
        last = sorted((work / "pictures").glob("*.png"))[-1]
        shutil.copy(last, folder / "samples.png")
    stage.artifact(stage.dir / "model" / "config.json", "model")
    stage.metrics({name: value for name, value in result.curve[-1].items() if name != "step"})
    stage.metrics({"tiles": len(shards.rows("train")), "parameters": config["training"]["parameters"]})
    if result.steps:
        share, speed = result.waiting / result.seconds, result.steps / result.seconds
        stage.timing({"waiting_share": share, "steps_per_second": speed, "train_seconds": result.seconds})
        stage.say(f"{speed:.2f} steps/s, {100 * share:.2f} % of the time spent waiting for data")
    kept.finished(stage, work)


def describe(
    stage: Stage[Params], shards: ShardSet, encoding: HeightEncoding, accelerator: Accelerator
) -> dict[str, Any]:
    """What `config.json` will say."""
    params = stage.params
    loop = params.model_dump(mode="json", exclude={"method", "network", "consistency"})
    return {
        "method": params.method,
        params.method: getattr(params, params.method).model_dump(mode="json"),
        "network": params.network.model_dump(mode="json"),
        "encoding": encoding.to_dict(),
        "channels": encoding.channels,
        "facts": encoding.facts,
        "px": shards.px,
        "gsd": shards.card["gsd"],
        "training": {**loop, "seed": stage.seed, "mixed_precision": accelerator.mixed_precision},
        "data": {
            "dataset": stage.dataset,
            "tiles": len(shards.rows("train")),
            "card_sha256": file_sha256(shards.folder / "card.json"),
        },
    }


def show(generator: Generator, shards: ShardSet, done: int) -> Figure:
    """Samples after `done` steps beside held-out tiles (train tiles where none is held out)."""
    split = "val" if len(shards.rows("val")) else "train"
    rows = shards.rows(split)
    rows = rows[np.linspace(0, len(rows) - 1, SHOWN).astype(int)]
    grids = {f"real ({split})": shards.heights(rows)}
    for steps in STEPS:
        title = f"step {done}, {steps} evaluation{'s' if steps > 1 else ''}"
        grids[title] = generator.sample(range(SHOWN), seed=0, steps=steps)
    return pictures.grid(grids, generator.gsd)
