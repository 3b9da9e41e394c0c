"""A terrain model as ONNX gives the heights of torch; its page reads words as the model does and runs in a browser."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from models.core.artifact import save_model
from models.onnx.__main__ import main
from models.onnx.graph import Terrain
from models.onnx.page import page
from models.onnx.write import inputs, session, write
from tests import browser
from tests.models.consistency.worded import NETWORK, PX, TEXTS, finished, made, shaken

OTHERS = [
    "",
    "The highest mountain, 1,900 m; low HILL",
    "slope facing west",
    "the purple valley's ridges; 12.5 km",
    "¡nada!",
]


@pytest.fixture(scope="module")
def model():
    method, _, _, config = made(network={**NETWORK, "multipliers": [1]})  # the export takes time for each layer
    return finished(shaken(method), config)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    write(model, folder)
    return folder


def wordless(model):
    """The model without captions of its own for terrains for which nothing is asked."""
    config = {**model.config, "encoding": {**model.config["encoding"], "captions": []}}
    return finished(model.method, config)


def drawn(model, indices, seed, texts):
    """The inputs of the samples that `sample` makes; a text without words is none, and no caption takes its place."""
    rows = []
    for index in indices:
        rng, chance = np.random.default_rng([seed, index]), np.random.default_rng([seed, index, 1])
        facts, noise = model.encoding.heights.draw(rng), model.method.draw(rng, 1)[0]
        rows.append((noise, facts, np.append(chance.random(), chance.standard_normal(2)).astype(np.float32)))
    noise, facts, chances = (np.stack(column) for column in zip(*rows, strict=True))
    found = {"noise": noise, "facts": facts, "chances": chances, "text": model.words.codes(texts)}
    found |= {"guidance": np.ones(len(texts), np.float32), "sketch": np.zeros((len(texts), PX, PX), np.float32)}
    return {name: found[name] for name in Terrain(model).inputs}


def test_the_file_gives_the_heights_of_the_model_at_any_batch(model, folder):
    for count in (1, 3):
        texts = [*TEXTS, ""][-count:]
        expected = wordless(model).sample(range(count), 5, 1, {"text": np.array(texts, object)})
        [found] = session(folder / "terrain.onnx").run(None, drawn(model, range(count), 5, texts))
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < 1e-3 * np.ptp(expected, axis=(1, 2)).min()


def test_words_sketch_and_guidance_change_the_heights(model, folder):
    run, given = session(folder / "terrain.onnx"), inputs(model, Terrain(model).inputs, 2, seed=3)
    [before] = run.run(None, given)
    for name, value in {"text": model.words.codes(TEXTS), "sketch": 1 + 0 * given["sketch"]}.items():
        [after] = run.run(None, given | {name: value})
        assert not np.allclose(after, before), name
    facts = json.loads((folder / "terrain.json").read_text())
    assert set(facts["inputs"]) == set(given) and facts["largest_difference"] < 1e-3 and facts["px"] == PX


def test_a_model_that_cannot_become_onnx_is_refused(tmp_path, capsys):
    method, _, _, config = made(conditions=("coarse",))
    networks = torch.nn.ModuleDict({name: method.networks[name] for name in method.ema})
    (tmp_path / "model").mkdir()
    save_model(tmp_path / "model", {**config, "method": {**config["method"], "conditions": ["labels"]}}, networks)
    with pytest.raises(SystemExit, match="models.onnx: .*not a model that can be loaded"):
        main([str(tmp_path / "model"), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="--runtime goes with --page"):
        main([str(tmp_path / "model"), "--out", str(tmp_path / "out"), "--runtime", "dist"])
    with pytest.raises(SystemExit, match="models.onnx: .*nowhere: there is no model"):
        main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="models.onnx: .*ort.wasm.bundle.min.mjs and .* are not there"):
        main([str(tmp_path / "model"), "--out", str(tmp_path / "out"), "--page", "--runtime", str(tmp_path)])
    with pytest.raises(ValueError, match="ort.wasm.bundle.min.mjs and .* are not there"):
        page(b"", {}, tmp_path)


@pytest.mark.skipif(browser.CHROMIUM is None, reason="Chromium is not installed")
def test_the_page_reads_words_as_the_model_does(model, folder, tmp_path):
    written = tmp_path / "index.html"
    text = page((folder / "terrain.onnx").read_bytes(), json.loads((folder / "terrain.json").read_text()))
    written.write_text(text.replace("https://cdn.jsdelivr.net", "http://127.0.0.1:9"))
    with browser.opened(written.as_uri(), tmp_path / "profile") as opened:
        opened.wait("window.landloom && document.body?.innerText.includes('which cannot be reached')")
        for said in [*OTHERS, *TEXTS]:
            code = f"(() => {{ const {{ row, unknown }} = landloom.read({json.dumps(str(said))});"
            row, unknown = opened.evaluate(f"{code} return [[...row].map(Number), unknown] }})()")
            assert row == model.words.codes([said])[0].tolist(), said
            assert unknown == model.words.unknown(said), said


@pytest.mark.skipif(browser.CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.skipif("ONNXRUNTIME_WEB" not in os.environ, reason="ONNXRUNTIME_WEB: the folder of that npm package")
def test_the_page_makes_terrain_without_network(model, folder, tmp_path):
    written, facts = tmp_path / "index.html", json.loads((folder / "terrain.json").read_text())
    written.write_text(page((folder / "terrain.onnx").read_bytes(), facts, Path(os.environ["ONNXRUNTIME_WEB"])))
    with browser.opened(written.as_uri(), tmp_path / "profile") as opened:
        opened.wait("document.body?.dataset.made === '1'")
        opened.evaluate("document.getElementById('next').click()")
        opened.wait("document.body?.dataset.made === '2'")
        opened.evaluate(
            "const pen = document.getElementById('pen'), box = pen.getBoundingClientRect();"
            "pen.setPointerCapture = () => {};"
            "for (const [kind, share] of [['down', 0.2], ['move', 0.8], ['up', 0.8]])"
            "pen.dispatchEvent(new PointerEvent(`pointer${kind}`,"
            " { clientX: box.left + share * box.width, clientY: box.top + share * box.height }))"
        )
        opened.wait("document.body?.dataset.made === '3'")  # the drawing steers a new terrain
        drawn = opened.evaluate("[...landloom.feeds('', 7, 1).feeds.sketch.data].filter((kind) => kind === 1).length")
        assert drawn > PX / 2
        assert " m, " in opened.evaluate("document.getElementById('told').textContent")
        asked = [each["params"]["request"]["url"] for each in opened.events if "requestWillBeSent" in each["method"]]
        assert asked and not [address for address in asked if address.startswith("http")]
