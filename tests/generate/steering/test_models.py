"""Which model makes the samples of a command: the dataset's own, the one of the repository, or that of a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import rasterio

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.core.settings import ROOT
from tasks.generate import __main__ as entry
from tasks.generate.explore.make import explore
from tasks.generate.steering.make import Wish, give_palette, steer
from tests.analytic.method import write_model
from tests.generate.steering.asked import GSD, PX, sidecars
from tests.generate.test_draw import settle
from tests.generate.toys import painter

pytestmark = pytest.mark.usefixtures("analytic")


@pytest.fixture
def shelf(tmp_path) -> Path:
    """A checkout without any data, with a model that comes with it."""
    folder = write_model(tmp_path / "models/pretrained/toy", PX, GSD)
    (folder / "README.md").write_text("# A card\n")
    return settle(tmp_path, ["geotiff"])


def test_the_model_of_the_repository_needs_no_data(shelf, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(steer, "__defaults__", (None, shelf))
    given = ["toy", "--model", "pretrained", "--text", "high mountains", "--seed", "7", "--count", "2"]
    entry.command([*given, "--out", str(tmp_path / "out")])
    assert f"[generate@toy] {tmp_path / 'out'}" in capsys.readouterr().out
    folder, found = shelf / "models/pretrained/toy", sidecars(tmp_path / "out")
    assert list(found) == ["high_mountains_000", "high_mountains_001"]
    for name, facts in found.items():
        assert (facts["model"], facts["card"]) == ("models/pretrained/toy", "models/pretrained/toy/README.md")
        assert facts["weights_sha256"] == file_sha256(folder / "weights.safetensors")
        assert facts["card_sha256"] == file_sha256(folder / "README.md")
        assert facts["model_md5"] == dvc_md5(folder)
        with rasterio.open(tmp_path / "out" / f"{name}.tif") as source:
            assert source.tags()["WEIGHTS_SHA256"] == facts["weights_sha256"]
    assert not (shelf / "data").exists()


def test_a_folder_is_a_model_too_and_noise_alone_is_enough(shelf, tmp_path):
    own = write_model(tmp_path / "mine", PX, GSD)
    folder = steer("toy", Wish({}, {}, 2, 5, model=str(own)), None, shelf)
    assert folder == shelf / "drawings/noise"
    found = sidecars(folder)
    assert list(found) == ["noise_000", "noise_001"] and found["noise_000"]["model"] == "mine"
    assert "card" not in found["noise_000"] and "text" not in found["noise_000"]
    assert (folder / "overview.png").exists()


def test_the_trained_model_stays_the_first_choice(shelf, tmp_path):
    write_model(shelf / "data/toy/model", PX, GSD)
    (facts,) = sidecars(steer("toy", Wish({"text": ["flat plains"]}, {}), tmp_path / "out", shelf)).values()
    assert "model" not in facts and facts["model_md5"] == dvc_md5(shelf / "data/toy/model")


def test_other_parts_of_the_command_take_it(shelf, tmp_path):
    assert (give_palette("toy", tmp_path / "palette", shelf, "pretrained") / "blank.png").exists()
    with pytest.raises(LandloomError, match="this analytic model has none"):
        explore("toy", "film", {}, tmp_path / "film", None, shelf, "pretrained")


def test_a_missing_model_is_told_with_the_way_to_one(shelf, tmp_path):
    words = Wish({"text": ["flat plains"]}, {})
    with pytest.raises(LandloomError, match=r"^data/toy/model: .*`dvc repro train@toy` trains .* --model pretrained"):
        steer("toy", words, tmp_path / "out", shelf)
    with pytest.raises(LandloomError, match=r"absent: there is no such folder; give a folder with a finished model"):
        steer("toy", Wish({}, {}, model=str(tmp_path / "absent")), tmp_path / "out", shelf)
    (shelf / "models/pretrained/toy").rename(shelf / "models/pretrained/alps")
    with pytest.raises(LandloomError, match=r"^models/pretrained/toy: no model for toy .*; there are models for alps$"):
        steer("toy", Wish({}, {}, model="pretrained"), tmp_path / "out", shelf)
    shutil.rmtree(shelf / "models")
    with pytest.raises(LandloomError, match=r"`dvc repro train@toy` trains one$"):
        steer("toy", words, tmp_path / "out", shelf)
    assert not (tmp_path / "out").exists()


def test_a_damaged_model_of_the_repository_is_told_with_the_way_back(shelf, tmp_path):
    weights = shelf / "models/pretrained/toy/weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(LandloomError, match=r"`git checkout -- models/pretrained/toy` brings it back"):
        steer("toy", Wish({}, {}, model="pretrained"), tmp_path / "out", shelf)


def test_a_painter_asks_for_a_drawing(tmp_path):
    painter(tmp_path)
    root = settle(tmp_path)
    with pytest.raises(LandloomError, match="this model paints drawings; give one with --labels"):
        steer("toy", Wish({}, {}, model=str(root / "data/toy/model")), tmp_path / "out", root)


@pytest.mark.parametrize("option", ["--count", "--steps", "--seed"])
def test_options_of_samples_go_with_a_model_alone(option, monkeypatch):
    asked = []
    monkeypatch.setattr("tasks.generate.steering.make.steer", lambda *given: asked.append(given) or ROOT)
    entry.command(["terrain", "--model", "pretrained", option, "2"])
    assert asked[0][1].model == "pretrained" and asked[0][1].given == {}


@pytest.mark.parametrize("words", [(), ("--sketch", "lines.png"), ("--world", "256")])
def test_guidance_without_words_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        entry.command(["terrain", "--model", "pretrained", "--guidance", "3", *words])
    assert ended.value.code == 2
    assert "--guidance goes with --text: it is the strength of words" in capsys.readouterr().err
