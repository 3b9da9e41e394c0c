"""Every part with a small untrained model."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from models.core.color_encoding import ColorEncoding
from models.explore.latent import render, truncated
from models.explore.projection import project
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.generate.explore import part as parts
from tasks.generate.explore.make import explore, make_part
from tasks.generate.explore.mosaic import bands
from tasks.generate.explore.parts.mix import mixtures
from tests.generate.explore.toys import DCGAN_32, dreamer, task
from tests.generate.toys import sampler

SMALL = {
    "film": {"points": 3, "between": 6},
    "mix": {"columns": 3, "rows": 2},
    "truncate": {"samples": 2, "psi": [0.0, 1.0]},
    "directions": {"samples": 500, "count": 2, "columns": 3, "names": {2: "more water"}},
    "mosaic": {"width": 100, "height": 72, "places": 1},
    "project": {"steps": 3, "styles": 3, "network": "random"},
}


@pytest.fixture(scope="module")
def dream(tmp_path_factory):
    return task(tmp_path_factory.mktemp("dream"))


def made(name, dream, folder, **changes):
    folder.mkdir(parents=True)
    record = parts.find(name)
    return make_part(name, record.settings(**{**SMALL[name], **changes}), dream, folder, {"dataset": "toy"})


@pytest.mark.parametrize("name", parts.names())
def test_a_part_is_the_same_each_time(name, dream, tmp_path):
    first, second = (made(name, dream, tmp_path / number) for number in "12")
    assert dvc_md5(tmp_path / "1") == dvc_md5(tmp_path / "2")
    assert (first.text, first.table) == (second.text, second.table)
    facts = json.loads((tmp_path / "1/explore.json").read_text())
    assert facts["part"] == name and {file["name"] for file in facts["files"]} == set(parts.find(name).files)
    assert {path.name for path in (tmp_path / "1").iterdir()} == {*parts.find(name).files, "explore.json"}
    for number, shown in (("a", first), ("b", second)):
        shown.sheet.savefig(tmp_path / f"{number}.png", dpi=110, metadata={"Software": None})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_point_gives_its_sample(dream):
    space, noise = dream.space, dream.space.noise(5, 7)
    points = space.points(range(20), 7)
    assert np.array_equal(render(space, points[5:6], noise)[0], dream.model.sample([5], seed=7)[0])
    assert np.array_equal(points[3:5], space.points([3, 4], 7))
    assert np.array_equal(render(space, points, noise)[17], render(space, points[16:18], noise)[1])


def test_mixing_a_sample_with_itself_changes_nothing_and_each_layer_has_one_source(dream):
    space, noise = dream.space, dream.space.noise(0, 7)
    points = space.points(range(3), 7)
    mixed = mixtures(points, points, space.layers, 4)
    cells = render(space, mixed.reshape(-1, space.layers, space.width), noise).reshape(3, 3, 32, 32, 3)
    plain = render(space, points, noise)
    assert all(np.array_equal(cells[k, k], plain[k]) for k in range(3))
    assert (mixed[2, 1, :4] == points[1]).all() and (mixed[2, 1, 4:] == points[2]).all()
    assert not np.array_equal(cells[0, 1], plain[1]) and not np.array_equal(cells[0, 1], plain[0])


def test_truncation_ends_at_the_mean_and_starts_at_the_sample(dream):
    space = dream.space
    points = space.points(range(3), 7)
    assert np.array_equal(truncated(space, points, 1), points)
    assert (truncated(space, points, 0) == space.mean()).all()
    assert np.allclose(truncated(space, points, 0.5), (points + space.mean()) / 2, atol=1e-6)


def test_directions_are_orthonormal_and_carry_names(dream, tmp_path):
    shown = made("directions", dream, tmp_path / "d")
    found = load_file(tmp_path / "d/directions.safetensors")
    assert np.allclose(found["directions"] @ found["directions"].T, np.eye(8), atol=1e-5)
    assert found["shares"].sum() == pytest.approx(1, abs=1e-5) and [row["name"] for row in shown.table] == [
        "–",
        "more water",
    ]
    with pytest.raises(LandloomError, match="explore.directions: names: direction 9 does not exist; .* from 1 to 8"):
        made("directions", dream, tmp_path / "e", names={9: "less"})


def test_a_mosaic_is_the_same_in_one_piece_and_in_any_order_of_windows(dream, tmp_path):
    made("mosaic", dream, tmp_path / "m")
    picture = np.asarray(Image.open(tmp_path / "m/mosaic.png"))
    assert picture.shape == (72, 100, 3)
    plane = dream.space.plane(7, 0.7, 1, 2)
    windows = {(row, col): plane.window(row, col) for col in (3, 6, 0, 2, 1, 5, 4) for row in (2, 0, 4, 1, 3)}
    built = np.concatenate([np.concatenate([windows[row, col] for col in range(7)], axis=1) for row in range(5)])
    assert np.array_equal(built[:72, :100], picture)
    larger = np.concatenate(list(bands(dream.space.plane(7, 0.7, 2, 2), 128, 96)))
    assert np.array_equal(larger[:72, :100], picture)


def test_a_sample_is_found_again_and_a_picture_comes_nearer(dream, tmp_path):
    space, noise = dream.space, dream.space.noise(0, 7)
    wanted = truncated(space, space.points([3], 7), 0.4)
    pixels = render(space, wanted, noise)
    target = torch.from_numpy(ColorEncoding().encode(pixels))
    point = project(space, target, lambda images, target: (images - target).square().mean(), noise, 60, 0.1, 7)
    before, after = (
        np.abs(render(space, latent[None], noise).astype(int) - pixels).mean() for latent in (space.mean(), point)
    )
    assert before > 3 * after
    rows, cols = np.mgrid[0:40, 0:90]
    Image.fromarray(np.stack([rows * 6, cols * 2, rows * 0], axis=-1).astype(np.uint8)).save(tmp_path / "mine.png")
    picture = parts.find("project").given(str(tmp_path / "mine.png"))
    shown = made("project", dream, tmp_path / "q", **picture)
    target = np.asarray(Image.open(tmp_path / "q/target.png"))
    assert target.shape == (32, 32, 3) and "mine.png" in shown.text and "a fixed random network" in shown.text
    assert abs(int(target[16, 16, 1]) - 90) < 4  # the middle of the picture
    picture["picture"]["sha256"] = "0" * 64
    with pytest.raises(LandloomError, match="explore.project: .*mine.png: the file has the SHA-256"):
        made("project", dream, tmp_path / "r", **picture)


def test_a_dcgan_has_a_film_and_no_styles(tmp_path):
    dream = task(tmp_path / "dcgan", DCGAN_32)
    assert "spline in z through 3 samples" in made("film", dream, tmp_path / "f").text
    point = dream.space.points([4], 7)
    assert np.array_equal(render(dream.space, point, [])[0], dream.model.sample([4], seed=7)[0])
    assert np.allclose((dream.space.fit(np.ones((2, 6)) * 0.1) ** 2).mean(axis=1), 1)
    with pytest.raises(LandloomError, match="mix needs a latent space with styles, and this dcgan model has .* points"):
        made("mix", dream, tmp_path / "m")


def test_a_command_makes_a_part_beside_the_pipeline(tmp_path, monkeypatch, capsys):
    from tasks.generate import __main__ as program

    root = dreamer(tmp_path).parents[1]
    monkeypatch.setattr("tasks.generate.section.load", lambda root: Datasets({"explore": {"mix": {"rows": 3}}}))
    folder = explore("toy", "mix", {"columns": 2}, None, 9, root)
    assert folder == root / "drawings/toy-mix" and {path.name for path in folder.iterdir()} == {
        "sheet.png",
        "explore.json",
    }
    facts = json.loads((folder / "explore.json").read_text())
    assert (facts["settings"]["rows"], facts["settings"]["columns"], facts["seed"]) == (3, 2, 9)
    with pytest.raises(LandloomError, match="generate.explore.mix: cut: 8, and this model has 8 layers"):
        explore("toy", "mix", {"cut": 8}, None, None, root)
    given = []
    monkeypatch.setattr("tasks.generate.explore.make.explore", lambda *values, model: given.append((*values, model)))
    program.command(["toy", "--mosaic", "256x128", "--set", "truncation=5e-1", "--seed", "3"])
    program.command(["toy", "--film", "--out", "here", "--model", "elsewhere"])
    assert given[0] == ("toy", "mosaic", {"width": 256, "height": 128, "truncation": 0.5}, None, 3, None)
    assert given[1][:3] == ("toy", "film", {}) and given[1][-1] == "elsewhere"
    for wrong in (["--mosaic", "wide"], ["--film", "--set", "points"], ["--set", "points=3"], ["--film", "--mix"]):
        with pytest.raises(SystemExit):
            program.command(["toy", *wrong])
    assert "must be WIDTHxHEIGHT" in capsys.readouterr().err


def test_a_model_without_a_latent_space_is_told_so(tmp_path, monkeypatch):
    root = sampler(tmp_path).parents[1]
    monkeypatch.setattr("tasks.generate.section.load", lambda root: Datasets({}))
    with pytest.raises(LandloomError, match="film explores a latent space, and this consistency model has none"):
        explore("toy", "film", {}, None, None, root)


class Datasets:
    """Settings of one dataset."""

    def __init__(self, generate):
        self.datasets = {"toy": {"generate": generate}}
