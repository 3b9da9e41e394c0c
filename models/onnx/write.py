"""Write a terrain model as `terrain.onnx`, with `terrain.json` for programs that run it, and compare it with torch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.core.height_encoding import SMOOTHING
from models.onnx.graph import INPUTS, Terrain

TRACED, CHECKED = 2, 5
"""Samples with which the network is traced, and that are compared with torch."""
LARGEST = 1e-3
"""Largest difference to torch, as a share of the relief."""


def write(model: Any, folder: Path) -> dict[str, Any]:
    """Write `terrain.onnx` and `terrain.json` into an existing folder; return the facts in `terrain.json`.

    Args:
        model: a finished model of the product `heights`.
    Raises:
        ValueError: the model cannot be written as one network, or onnxruntime computes other heights than torch.
    """
    network = _network(model)
    path = folder / "terrain.onnx"
    part = path.with_suffix(".part")
    try:
        _export(model, network, part)
        apart = difference(part, network, inputs(model, network.inputs, CHECKED, seed=1))
        if not apart <= LARGEST:
            raise ValueError(f"{path}: onnxruntime computes other heights than torch, by {apart:.2g} of the relief")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    facts = {**_facts(model, network.inputs), "largest_difference": float(f"{apart:.2g}")}
    part = folder / "terrain.json.part"
    part.write_text(json.dumps(facts, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(folder / "terrain.json")
    return facts


def _export(model: Any, network: Terrain, path: Path) -> None:
    tensors = tuple(map(torch.from_numpy, inputs(model, network.inputs, TRACED, seed=0).values()))
    batch = torch.export.Dim("n", min=1, max=4096)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the exporter, about its own operators; the file is compared with torch
        try:
            torch.onnx.export(
                network,
                tensors,
                path,
                input_names=list(network.inputs),
                output_names=["heights"],
                dynamic_shapes={
                    "noise": {0: batch},
                    "facts": {0: batch},
                    "rest": tuple({0: batch} for _ in tensors[2:]),
                },
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # noqa: BLE001 - whatever torch's exporter raises
            raise ValueError(f"torch cannot write this network as ONNX: {str(error).split(chr(10))[0]}") from error


def session(path: Path, threads: int = 1) -> Any:
    """A session of onnxruntime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def inputs(model: Any, names: list[str], count: int, seed: int) -> dict[str, np.ndarray]:
    """Random inputs of `count` samples of all strengths; every other one has words, and the last has a sketch."""
    rng = np.random.default_rng(seed)
    px, encoding = model.px, model.encoding
    made: dict[str, np.ndarray] = {
        "noise": rng.standard_normal((count, 1, px, px), np.float32),
        "facts": np.stack([encoding.heights.draw(rng) for _ in range(count)]).astype(np.float32),
        "chances": np.concatenate([rng.random((count, 1)), rng.standard_normal((count, 2))], axis=1).astype(np.float32),
        "guidance": np.linspace(1, model.most_guidance or 1, count, dtype=np.float32),
        "sketch": np.zeros((count, px, px), np.float32),
    }
    made["sketch"][-1, px // 3] = 1
    if "text" in names:
        known = [word for word in encoding.words.to_dict().get("words", ["mountains"]) if word[0].isalpha()]
        texts = [" ".join(rng.choice(known, 5)) if place % 2 else "" for place in range(count)]
        made["text"] = np.asarray(encoding.words.codes(texts))
    return {name: made[name] for name in names}


def difference(path: Path, network: Terrain, arrays: Mapping[str, np.ndarray]) -> float:
    """Largest difference of the heights of the file and of torch, as a share of each tile's relief."""
    with torch.inference_mode():
        expected = network(*(torch.from_numpy(arrays[name]) for name in network.inputs)).numpy()
    [found] = session(path).run(None, dict(arrays))
    relief = expected.max(axis=(1, 2)) - expected.min(axis=(1, 2))
    return float((np.abs(found - expected).max(axis=(1, 2)) / np.maximum(relief, 1e-3)).max())


def _network(model: Any) -> Terrain:
    if model.product != "heights" or not all(hasattr(model, part) for part in ("method", "networks", "encoding")):
        name = model.config["method"]["name"]
        raise ValueError(
            f"only terrain models of the method consistency become ONNX; this is a {name} ({model.product})"
        )
    if "labels" in model.conditions:
        raise ValueError("a model with the condition labels cannot become ONNX: maps of classes have no input there")
    if "text" in model.conditions and model.config["method"]["text"]["name"] != "vocabulary":
        raise ValueError("only a model with the text encoder vocabulary becomes ONNX: the others need their packages")
    return Terrain(model).eval()


def _facts(model: Any, names: list[str]) -> dict[str, Any]:
    """What a program needs to make the inputs."""
    heights = model.encoding.heights
    text = model.config["method"].get("text") or {}
    words = {"words": model.encoding.words.to_dict()["words"], "length": text["length"]} if "text" in names else {}
    return {
        "px": model.px,
        "gsd": model.gsd,
        "inputs": {name: INPUTS[name] for name in names},
        "known": heights.known,
        "smoothing": SMOOTHING,
        **words,
        **({"most_guidance": model.most_guidance} if "guidance" in names else {}),
    }
