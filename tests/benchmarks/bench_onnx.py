"""A terrain model by onnxruntime against torch: processor time of a tile on one thread, and the size of the file.

The model is that of LANDLOOM_MODEL, a folder, or an untrained one with the network of params.yaml.
"""

from __future__ import annotations

import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.core.artifact import build_method, finished, load_model
from models.core.record import method as record_of
from models.core.speed import threads
from models.onnx.graph import Terrain
from models.onnx.write import inputs, session, write
from tasks.core.settings import read, rooms
from tests.shard.small import terrain

BATCHES, ROUNDS, SIDE = (1, 16), 10, 64
NETWORK: dict[str, Any] = {}
TOY = {
    "BATCHES": (2,),
    "ROUNDS": 1,
    "SIDE": 16,
    "NETWORK": {"channels": 8, "multipliers": [1], "attention": [], "patch": 2},
}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    model = load_model(Path(os.environ["LANDLOOM_MODEL"]), "cpu") if "LANDLOOM_MODEL" in os.environ else _untrained()
    network, rows = Terrain(model).eval(), []
    with tempfile.TemporaryDirectory() as folder, threads(1), torch.inference_mode():
        facts, path = write(model, Path(folder)), Path(folder) / "terrain.onnx"
        weights = sum(weight.numel() for weight in network.parameters())
        size = f"{path.stat().st_size / 1e6:.1f} MB, {weights / 1e6:.2f} M weights"
        rows += [
            (f"onnx: file of a model of {model.px} px", size, ""),
            ("onnx: largest difference to torch, of the relief", f"{facts['largest_difference']:.1g}", "≤ 0.001"),
        ]
        other = session(path)
        for count in BATCHES:
            given = inputs(model, network.inputs, count, seed=1)
            tensors = [torch.from_numpy(given[name]) for name in network.inputs]
            ways = {"torch": partial(network, *tensors), "onnxruntime": partial(other.run, None, given)}
            spent = dict.fromkeys(ways, 0.0)
            for _ in range(ROUNDS):  # alternating, so that a busy machine slows both
                for name, work in ways.items():
                    began = time.process_time()
                    work()
                    spent[name] += (time.process_time() - began) / ROUNDS / count
            times = ", ".join(f"{name} {1e3 * seconds:.1f} ms" for name, seconds in spent.items())
            said = f"{spent['torch'] / max(spent['onnxruntime'], 1e-9):.2f} × as fast ({times})"
            rows.append((f"onnx: a tile in batches of {count}, one thread", said, "> 1"))
    return rows


def _untrained() -> Any:
    section, record = rooms(read()["datasets"], "terrain")["train"], record_of("consistency")
    values = section.method.model_dump(mode="json")
    params = record.params(**{**values, "network": {**values["network"], **NETWORK}})
    heights = np.stack([terrain(np.random.default_rng(seed), 900.0, SIDE) for seed in range(8)])
    layers = {"height": heights, "caption": np.array(["High mountains.", "Low hills."] * 4, object)}
    encoding = record.fit(params, lambda *names: iter([{name: layers[name] for name in names}]), 90.0)
    config = {"method": params.model_dump(mode="json"), "px": SIDE, "gsd": 90.0, "encoding": encoding.to_dict()}
    method = build_method(config, lr=0.0)
    networks = torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}).eval().requires_grad_(False)
    return finished(method, networks, config, torch.device("cpu"))
