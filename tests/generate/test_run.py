"""The stage itself, with real (tiny, untrained) models: the same seed gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from models.core.artifact import load_model
from tasks.core.dag import StageEntry
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.formats.tables.drawing import read_drawing
from tasks.generate.run import run
from tasks.generate.terrain.rasterfiles import read_geotiff, read_png16
from tasks.relief.carve import drained
from tasks.relief.sea import low_sea
from tests.generate.readers import read_gltf
from tests.generate.toys import CLASSES, painter, params, sampler


def generate(data: Path, **changes: Any) -> Path:
    entry = StageEntry("generate", "toy", (), (), ())
    run(Stage(entry, params(**changes), 1, Compute(engine="serial", workers=1), Run(), data.parents[1]))
    return data / "samples"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return sampler(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return painter(tmp_path_factory.mktemp("painted"))


@pytest.mark.parametrize("kind", ["data", "drawn"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kind, request):
    data = request.getfixturevalue(kind)
    exports = ["geotiff", "glb"]
    first = dvc_md5(generate(data, exports=exports))
    pictures = dvc_md5(data / "pictures/generate")
    assert {path.name for path in (data / "pictures/generate").iterdir()} == {"overview.png", "preview3d.png"}
    assert dvc_md5(generate(data, exports=exports)) == first
    assert dvc_md5(data / "pictures/generate") == pictures
    assert dvc_md5(generate(data, exports=exports, seed=8)) != first


def test_a_terrain_does_not_depend_on_how_many_are_made(data):
    many = (generate(data, count=5) / "toy_001.tif").read_bytes()
    assert (generate(data, count=2) / "toy_001.tif").read_bytes() == many
    assert len(list((data / "samples").iterdir())) == 2 * 5 + 1


def test_the_files_hold_what_the_model_gives(data):
    samples = generate(data, count=3)
    expected = load_model(data / "model").sample(range(3), seed=7, steps=2)
    for index in range(3):
        height, gsd = read_geotiff(samples / f"toy_{index:03d}.tif")
        assert np.array_equal(height, expected[index]) and gsd == 90.0
        sidecar = json.loads((samples / f"toy_{index:03d}.json").read_text())
        assert (sidecar["index"], sidecar["seed"], sidecar["steps"]) == (index, 7, 2)
        assert sidecar["model_md5"] == dvc_md5(data / "model")


def test_one_range_for_all_terrains(data):
    samples = generate(data, count=3, shared_range=True)
    sidecars = [json.loads(path.read_text()) for path in sorted(samples.glob("toy_*.json"))]
    steps = {(sidecar["heightmap"]["low_m"], sidecar["heightmap"]["step_m"]) for sidecar in sidecars}
    ((low, step),) = steps
    assert low == min(sidecar["height"]["low_m"] for sidecar in sidecars)
    codes = [read_png16(samples / f"toy_{index:03d}.heightmap.png") for index in range(3)]
    assert max(code.max() for code in codes) == 65535 and min(code.min() for code in codes) == 0
    for index, code in enumerate(codes):
        assert np.abs(low + code * step - read_geotiff(samples / f"toy_{index:03d}.tif")[0]).max() <= step / 2 + 1e-9


def test_a_painter_paints_the_drawings_of_its_model_in_turn(drawn):
    samples = generate(drawn, count=3, exports=["geotiff", "glb"])
    model, classes = load_model(drawn / "model"), pd.DataFrame(CLASSES)
    for index in range(3):
        name, drawing = f"toy_{index:03d}", f"{index % 2:03d}.png"
        labels = read_drawing(drawn / "model/drawings" / drawing, classes).labels
        painted = model.paint(labels[None], seed=7 + index, noise=1.0)
        assert np.array_equal(read_drawing(samples / f"{name}.labels.png", classes).labels, labels)
        assert np.array_equal(read_geotiff(samples / f"{name}.tif")[0], painted.height[0])
        assert np.array_equal(np.asarray(Image.open(samples / f"{name}.texture.png")), painted.texture[0])
        assert np.array_equal(read_gltf(samples / f"{name}.glb")["texture"], painted.texture[0])
        sidecar = json.loads((samples / f"{name}.json").read_text())
        assert (sidecar["drawing"], sidecar["seed"], sidecar["noise"]) == (drawing, 7 + index, 1.0)
    first, again = (np.asarray(Image.open(samples / f"toy_00{index}.texture.png")) for index in (0, 2))
    assert (first != again).any()  # the same drawing, other noise
    assert (samples / "preview3d.png").is_file()


def test_a_painter_without_drawings_says_so(tmp_path):
    with pytest.raises(LandloomError, match="drawings: no drawing to paint"):
        generate(painter(tmp_path, drawings=0))


def test_what_is_no_model_is_told_by_name(tmp_path):
    (tmp_path / "data/toy/model").mkdir(parents=True)
    with pytest.raises(LandloomError, match=r"data/toy/model: .*run `dvc repro` to train it again"):
        generate(tmp_path / "data/toy")
    assert not (tmp_path / "data/toy/samples").exists()


def test_steps_the_method_cannot_take_are_refused(data):
    with pytest.raises(LandloomError, match="generate.steps: 5"):
        generate(data, steps=5)


@pytest.mark.parametrize("kind", ["data", "drawn"])
def test_terrains_are_drained_on_request_and_the_sidecar_tells_what_changed(kind, request):
    data = request.getfixturevalue(kind)
    plain, _ = read_geotiff(generate(data, exports=["geotiff"]) / "toy_000.tif")
    samples = generate(data, exports=["geotiff", "rivers"], drain=True)
    height, _ = read_geotiff(samples / "toy_000.tif")
    facts = json.loads((samples / "toy_000.json").read_text())
    assert drained(height, low_sea(height[None])[0]).pools == 0 < facts["drained_pools"]
    assert facts["drained_changed_share"] == pytest.approx((height != plain).mean(), abs=1e-5)
    assert facts["drained_lowered_m"] == pytest.approx((plain - height).max(), abs=1e-2)
    assert facts["height"]["low_m"] == height.min()
    assert (samples / "toy_000.rivers.gpkg").exists()
