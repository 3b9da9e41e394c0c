"""One HTML file that runs a terrain model in a browser: the model, its words, and onnxruntime-web if it is given."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VERSION = "1.30.0"
"""The version of onnxruntime-web that the page was tried with."""
NETWORK = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/ort.wasm.bundle.min.mjs"
BUNDLE, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
HERE = Path(__file__).parent


def check(runtime: Path) -> Path:
    """The folder below `runtime` that holds the program; ValueError if a file is missing."""
    for folder in (runtime, runtime / "dist"):
        if (folder / BUNDLE).exists() and (folder / WASM).exists():
            return folder
    raise ValueError(f"{runtime}: {BUNDLE} and {WASM} of the npm package onnxruntime-web are not there")


def page(onnx: bytes, facts: Mapping[str, Any], runtime: Path | None = None) -> str:
    """The text of the page.

    Args:
        onnx, facts: `terrain.onnx` and what `terrain.json` holds.
        runtime: folder of the npm package onnxruntime-web (or its `dist`). Its program is put into the page, which then
            works without network. None: the page loads it from a public server.
    Raises:
        ValueError: `runtime` lacks a file.
    """
    address, wasm = NETWORK, ""
    if runtime is not None:
        folder = check(runtime)
        program = base64.b64encode((folder / BUNDLE).read_bytes()).decode()
        address = f"data:text/javascript;base64,{program}"
        wasm = base64.b64encode((folder / WASM).read_bytes()).decode()
    parts = {
        "FACTS": json.dumps(facts, allow_nan=False).replace("</", "<\\/"),
        "MODEL": base64.b64encode(onnx).decode(),
        "WASM": wasm,
        "RUNTIME": address,
        "PROGRAM": (HERE / "program.js").read_text(encoding="utf-8"),
    }
    text = (HERE / "index.html").read_text(encoding="utf-8")
    pieces = [text]
    for name, value in parts.items():  # no replacement in what was put in before
        before, after = pieces.pop().split("{{" + name + "}}")
        pieces += [before, value, after]
    return "".join(pieces)
