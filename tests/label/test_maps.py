"""The classifier, smoothing, and the files of maps."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest

from tasks.core.errors import LandloomError
from tasks.formats.tables.labels import MapReader, MapWriter
from tasks.formats.tables.packs import member, packed
from tasks.label.classifier import Classifier, Prototype, fit_scaling, learn, read_classifier, read_pinned, teach
from tasks.label.params import Features, Pinned, Smoothing
from tasks.label.smooth import Strength, absorb, class_map, strength
from tests.label.small import CLUSTER


def blobs(k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, 900)
    return (rng.normal(size=(900, 4)) + 6 * np.eye(4)[labels]).astype(np.float32), labels


def trained(k: int) -> tuple[Classifier, np.ndarray, np.ndarray]:
    planes, labels = blobs(k)
    names = ["height", "slope", "red_green", "lightness"]
    scaling = fit_scaling(planes, names, CLUSTER["features"]["weights"])
    hidden, out, agreement = learn(scaling.apply(planes), labels, k, 8, 0)
    assert agreement > 0.95
    classes = [{"id": n, "name": f"class {n}", "red": n, "green": 0, "blue": 0} for n in range(k)]
    found = [Prototype("class 0", (0, 0, 0), [0.1] * 4)]
    features = Features(**CLUSTER["features"])
    return Classifier(features, ("height",), 90.0, names, scaling, hidden, out, classes, found), planes, labels


@pytest.mark.parametrize("k", [2, 4])
def test_the_student_learns_and_is_the_same_after_a_file(tmp_path, k):
    classifier, planes, labels = trained(k)
    probabilities = classifier.probabilities(planes.T)
    assert probabilities.shape == (k, 900) and probabilities.dtype == np.uint8
    assert (probabilities.argmax(axis=0) == labels).mean() > 0.97
    assert np.abs(probabilities.astype(int).sum(axis=0) - 255).max() <= k
    path = tmp_path / "classifier.json"
    classifier.write(path)
    again = read_classifier(path)
    assert (again.probabilities(planes.T) == probabilities).all()
    assert (again.features, again.found, again.gsd) == (classifier.features, classifier.found, 90.0)
    again.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_a_class_that_the_student_never_saw_is_never_given():
    planes, labels = blobs(3)
    hidden, out, _ = learn(planes, np.where(labels == 1, 0, labels), 4, 8, 0)  # there is no 1 and no 3
    weight, bias = out
    given = (np.maximum(planes @ hidden[0] + hidden[1], 0) @ weight + bias).argmax(axis=1)
    assert weight.shape == (8, 4) and set(given) == {0, 2}


def test_the_teacher_votes():
    points = np.array([[0.0, 0], [0, 1], [1, 0], [9, 9], [9, 8]])
    assert teach(points, np.array([0, 0, 0, 1, 1]), np.array([[0.2, 0.2], [8.5, 9]]), 1).tolist() == [0, 1]


def test_a_kind_of_features_counts_by_its_weight():
    weights = {"height": 0.5, "color": 2.0, "texture": 0.1, "lightness": 0.3}
    names = ["height", "slope", "tpi_2", "relief_2", "red_green", "texture_2", "lightness"]
    weight = fit_scaling(np.random.default_rng(0).normal(size=(50, 7)), names, weights).weight
    np.testing.assert_allclose(weight, [0.25, 0.25, 0.25, 0.25, 2.0, 0.1, 0.3], rtol=1e-6)


def test_other_files_and_other_hashes_are_refused(tmp_path):
    classifier, _, _ = trained(2)
    path = tmp_path / "classifier.json"
    classifier.write(path)
    with pytest.raises(LandloomError, match="classifier: classifier.json has the sha256 .* not 0000"):
        read_pinned(Pinned(path="classifier.json", sha256="0" * 64), tmp_path, "classifier")
    with pytest.raises(LandloomError, match="there is no such classifier"):
        read_pinned(Pinned(path="other.json", sha256="0" * 64), tmp_path, "classifier")
    facts = json.loads(path.read_text())
    for broken in (facts | {"format": "other"}, {**facts, "out": 3}, [1]):
        path.write_text(json.dumps(broken))
        with pytest.raises(LandloomError, match="classifier.json: (format 'other'|not a classifier)"):
            read_classifier(path)


def probabilities(kinds: np.ndarray, k: int) -> np.ndarray:
    return (220 * np.eye(k)[kinds] + 10).astype(np.uint8).transpose(2, 0, 1)


def test_specks_go_to_their_surroundings_and_voids_have_no_class():
    kinds = np.zeros((40, 40), int)
    kinds[:, 20:] = 1
    kinds[5, 5] = kinds[30, 30] = 2
    kinds[10:20, 2:9] = 2
    known = np.ones((40, 40), bool)
    known[0] = False
    drawn = class_map(probabilities(kinds, 3), known, Strength(0.0, 10))
    assert drawn[5, 5] == 0 and drawn[30, 30] == 1 and (drawn[10:20, 2:9] == 2).all() and (drawn[0] == 255).all()
    assert (class_map(probabilities(kinds, 3), known, Strength(0.0, 0))[1:] == kinds[1:]).all()


def test_no_class_is_favoured_by_its_number():
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 86, (3, 50, 50)).astype(np.uint8)
    known = np.ones((50, 50), bool)
    order = np.array([2, 0, 1])
    straight, turned = (class_map(planes, known, Strength(2.0, 0)) for planes in (noise, noise[order]))
    assert (order[turned] == straight).mean() > 0.999


def test_stronger_smoothing_leaves_fewer_regions():
    rng = np.random.default_rng(4)
    noise = rng.integers(0, 86, (3, 80, 80)).astype(np.uint8)
    edges = []
    for share in (0.0, 0.5, 1.0):
        settings = Smoothing(sigma_px=(0.3, 3.0), region_px=(2, 60))
        drawn = class_map(noise, np.ones((80, 80), bool), strength(settings, share))
        edges.append((np.diff(drawn.astype(int), axis=0) != 0).mean())
    assert edges[0] > edges[1] > edges[2]


def test_a_map_of_specks_alone_stays():
    kinds = np.indices((6, 6)).sum(axis=0).astype(np.uint8) % 2
    assert (absorb(kinds, np.ones((6, 6), bool), 1000) == kinds).all()


@pytest.mark.parametrize("pack", [None, "pack-003"])
def test_a_tile_has_its_own_band_or_a_window_of_the_map(tmp_path, pack):
    row = {"scene": "s", "crs": "EPSG:3857", "transform": [30.0, 0, 0, 0, -30.0, 0]}
    row |= {"height": None, "color": f"scenes/{member(pack, 's.color.tif')}"}
    scene = next(gpd.GeoDataFrame([row]).itertuples())
    scenes = gpd.GeoDataFrame([row, row | {"scene": "other"}]).set_index("scene", drop=False)
    whole = np.arange(64, dtype=np.uint8).reshape(8, 8)
    tiles = [{"key": f"s/{col}", "scene": "s", "row": 2, "col": col, "px": 4} for col in (0, 3)]
    first, second = gpd.GeoDataFrame(tiles).itertuples()
    with packed(tmp_path, pack) as folder, MapWriter(folder, scene) as maps:
        maps.whole(whole)
        maps.tile(first.key, np.full((4, 4), 7, np.uint8))
    with MapReader(tmp_path, scenes) as reader:
        assert (reader.read(first) == 7).all()
        assert (reader.read(second) == whole[2:6, 3:7]).all()
    with pytest.raises(LandloomError, match="other.tif: not a readable label map.*run the label stage again"):
        MapReader(tmp_path, scenes).read(next(gpd.GeoDataFrame([tiles[0] | {"scene": "other"}]).itertuples()))
    with pytest.raises(ZeroDivisionError), MapWriter(tmp_path / "new", scene) as maps:
        maps.whole(whole)
        maps.tile("s/0", whole[: 1 // 0])
    assert not (tmp_path / "new").exists()
