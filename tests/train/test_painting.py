import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.torch import save_file

from models.core.artifact import load_model
from models.core.config import WatchConfig
from models.core.record import methods
from models.core.watch import Watch
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.formats.shards.shardset import ShardSet
from tasks.formats.tables.drawing import read_drawing
from tasks.train import painting
from tasks.train.params import Params
from tasks.train.run import run
from tests.models.core.test_perceptual import weights  # noqa: F401 - a fixture
from tests.models.settings import CONSISTENCY, TERRAIN_GAN
from tests.train.stand import NETWORK, PAINTING, PARAMS, copy, stage

PAINT = {**PAINTING, "steps": 5, "checkpoint_every": 2, "picture_every": 5}


@pytest.fixture(scope="module")
def done(painted_root, tmp_path_factory):
    root = copy(painted_root, tmp_path_factory.mktemp("done") / "root")
    here = stage(root, **PAINT)
    run(here)
    here.finish()
    return root / "data" / "small"


def test_it_leaves_a_model_that_paints_and_drawings_to_paint(done):
    names = {path.name for path in (done / "model").iterdir()}
    assert names == {"weights.safetensors", "config.json", "samples.png", "drawings"}
    painter = load_model(done / "model")
    shards = ShardSet(done / "shards")
    assert painter.gsd == 90 and [each["id"] for each in painter.classes] == [0, 1, 2]
    assert painter.config["training"]["perceptual"] == {"network": "random"}
    drawings = sorted((done / "model" / "drawings").iterdir())
    assert [path.name for path in drawings] == [f"{number:03}.png" for number in range(8)]
    first = read_drawing(drawings[0], pd.DataFrame(painter.classes))
    assert first.changed == 0
    assert np.array_equal(first.labels, shards.batch(shards.rows("val")[:1], ("label",))["label"][0])
    painted = painter.paint(first.labels[None], seed=1)
    assert painted.shaded.shape == (1, 32, 32, 3) and np.isfinite(painted.height).all()


def test_the_curve_tells_both_sides_and_how_often_each_learnt(done):
    plots = done / "plots" / "train"
    found = {
        path.relative_to(plots).with_suffix("").as_posix(): pd.read_csv(path, sep="\t") for path in plots.rglob("*.tsv")
    }
    sides = {"discriminator/loss", "discriminator/level", "discriminator/ratio", "discriminator/forced"}
    sides |= {"discriminator/margin", "watch/score", "watch/diversity"}
    sides |= {"discriminator/gradient", "generator/loss", "generator/gradient", "generator/perceptual_random"}
    assert sides <= set(found)
    assert 1 <= found["discriminator/ratio"]["discriminator/ratio"].iat[-1] <= 4
    assert np.asarray(Image.open(done / "pictures" / "train" / "step-00000005.png")).std() > 10


def test_the_watch_chose_the_snapshot_and_flags_a_painter_that_sees_no_map(done):
    snapshot = load_model(done / "model").config["training"]["snapshot"]
    assert 1 <= snapshot["step"] <= PAINT["steps"] and snapshot["quality"] >= 0
    shards = ShardSet(done / "shards")
    rows = shards.rows("train")[:32]
    real, view = painting.views(shards, rows)
    painter = load_model(done / "model")
    for weight in painter._networks["generator"].parameters():
        weight.data.zero_()
    watch = Watch(WatchConfig(grace=0.0), 1, real, lambda networks: view(painter, len(rows)), lambda text: None)
    watch.look(1, painter._networks, None)
    assert watch.rows[0]["flagged"] and watch.rows[0]["diversity"] < 0.1 < watch.measured(real[::-1])["diversity"]


def test_the_same_run_gives_the_same_bytes(done, painted_root, tmp_path):
    root = copy(painted_root, tmp_path / "root")
    run(stage(root, **PAINT))
    for out in ("model", "pictures/train"):
        assert dvc_md5(root / "data" / "small" / out) == dvc_md5(done / out)


def test_vgg_from_a_file_is_named_with_its_hash(painted_root, tmp_path, weights):  # noqa: F811
    root = copy(painted_root, tmp_path / "root")
    save_file(weights, root / "vgg19.safetensors")
    digest = file_sha256(root / "vgg19.safetensors")
    perceptual = {"weight": 1.0, "vgg19": {"path": "vgg19.safetensors", "sha256": digest}}
    here = stage(root, **{**PAINT, "steps": 1, "method": {**TERRAIN_GAN, "perceptual": perceptual}})
    run(here)
    data = root / "data" / "small"
    config = json.loads((data / "model" / "config.json").read_text())
    assert config["training"]["perceptual"] == {"network": "vgg19", "sha256": digest}
    here.finish()
    assert (data / "plots" / "train" / "generator" / "perceptual_vgg19.tsv").exists()


def changed(**values):
    return {**PAINT, "method": {**TERRAIN_GAN, **values}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            changed(generator={"channels": [4] * 7, "hidden": 4, "z": 2}),
            r"datasets.small.train.method does not fit .* multiple of 64",
        ),
        (
            changed(perceptual={"weight": 1.0, "vgg19": {"path": "gone.pth", "sha256": "0" * 64}}),
            r"train.method.perceptual.vgg19: .*gone.pth: the file cannot be read: No such file",
        ),
    ],
)
def test_what_cannot_work_is_told_in_one_line(painted_root, tmp_path, changes, message):
    with pytest.raises(LandloomError, match=message):
        run(stage(copy(painted_root, tmp_path / "root"), **changes))


def test_tiles_without_colour_or_labels_are_refused(made, tmp_path):
    with pytest.raises(LandloomError, match="the tiles have no color; terrain_gan learns from height, color, label"):
        run(stage(copy(made, tmp_path / "root"), **PAINT))
    with pytest.raises(LandloomError, match="have no labels; give the dataset a label method"):
        labels = {**CONSISTENCY, "network": NETWORK, "conditions": ["labels"]}
        run(stage(tmp_path / "root", method=labels))


def test_labels_steer_a_consistency_model(painted_root, tmp_path):
    root = copy(painted_root, tmp_path / "root")
    labels = {**CONSISTENCY, "network": NETWORK, "conditions": ["labels"], "condition_dropout": 0.2}
    run(stage(root, steps=2, method=labels))
    generator = load_model(root / "data" / "small" / "model")
    assert [each["name"] for each in generator.classes] == ["class 0", "class 1", "class 2"]
    maps = np.zeros((1, 32, 32), np.uint8)
    assert (
        np.isfinite(generator.sample([0], 1, 1, {"labels": maps})).all()
        and np.isfinite(generator.sample([0], 1, 1)).all()
    )


def test_another_file_of_weights_than_the_pinned_one_is_refused(painted_root, tmp_path, weights):  # noqa: F811
    root = copy(painted_root, tmp_path / "root")
    save_file(weights, root / "vgg19.safetensors")
    perceptual = {"weight": 1.0, "vgg19": {"path": "vgg19.safetensors", "sha256": "0" * 64}}
    with pytest.raises(
        LandloomError, match=r"perceptual.vgg19: .*vgg19.safetensors: the file has the SHA-256 \w{64}, not 0"
    ):
        run(stage(root, **{**PAINT, "method": {**TERRAIN_GAN, "perceptual": perceptual}}))


def test_an_unknown_method_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=f"there are {', '.join(methods())} "):
        Params(**{**PARAMS, "method": {"name": "magic"}})
    with pytest.raises(ValueError, match="name"):
        Params(**{**PARAMS, "method": {}})
