"""The Fréchet distance against closed forms, and a TorchScript network that is what it should be or is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.evaluate.fid import Inception, frechet
from tasks.evaluate.terrain.medium import grey, height_range
from tests.evaluate.landscape import landscapes


class Pooled(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(x.float() / 255, 2).flatten(1)


class WithOptions(torch.nn.Module):
    """Features only when asked, like NVIDIA's file."""

    def forward(self, x: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        flat = x.float().flatten(1)
        return flat[:, :7] if return_features else flat[:, :3]


class Unpooled(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float()


class Picky(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float().reshape(-1, 3 * 299 * 299)


class Broken(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float().flatten(1)[:, :4] / 0.0


@pytest.fixture
def export(tmp_path):
    def save(module: torch.nn.Module) -> Path:
        path = tmp_path / "net.pt"
        torch.jit.script(module).save(str(path))
        return path

    return save


def as_grey(heights: np.ndarray) -> np.ndarray:
    return grey(heights, 0, 2000)


def load(path: Path) -> Inception:
    return Inception(path, file_sha256(path))


def sample(mean, covariance, count: int, seed: int) -> np.ndarray:
    """Rows whose mean and covariance are exactly those given."""
    rows = np.random.default_rng(seed).standard_normal((count, len(mean)))
    rows -= rows.mean(axis=0)
    rows = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T).reshape(len(mean), -1))).T
    return rows @ np.linalg.cholesky(covariance).T + mean


def test_one_dimension():
    a, b = sample([2.0], np.array([[9.0]]), 50, 1), sample([5.0], np.array([[1.0]]), 80, 2)
    assert frechet(a, b) == pytest.approx((2 - 5) ** 2 + (3 - 1) ** 2)


def test_independent_dimensions_add_up():
    a = sample([0.0, 1.0, 2.0], np.diag([1.0, 4.0, 9.0]), 60, 3)
    b = sample([1.0, 1.0, 0.0], np.diag([4.0, 4.0, 1.0]), 40, 4)
    assert frechet(a, b) == pytest.approx(1 + 0 + 4 + (1 + 0 + 4))
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_any_gaussians_against_the_square_root_of_a_matrix():
    rng = np.random.default_rng(5)
    mix = rng.standard_normal((2, 6, 6))
    a, b = rng.standard_normal((90, 6)) @ mix[0], rng.standard_normal((70, 6)) @ mix[1] + 1
    c, d = np.cov(a.T), np.cov(b.T)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c + d - 2 * np.real(sqrtm(c @ d)))
    assert frechet(a, b) == pytest.approx(expected)


def test_fewer_rows_than_features():
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((8, 40)), rng.standard_normal((9, 40))
    c, d = np.cov(a.T), np.cov(b.T)
    root = np.sqrt(np.maximum(np.linalg.eigvals(c @ d).real, 0)).sum()
    assert frechet(a, b) == pytest.approx(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c + d) - 2 * root, rel=1e-6)


def test_features_come_in_order_whatever_the_batch(export):
    tiles = landscapes(70, 1)
    features = load(export(Pooled())).features(tiles, as_grey)
    assert features.shape == (70, 12) and features.dtype == np.float64
    assert features[:, 0] == pytest.approx(grey(tiles, 0, 2000)[:, 0, :16, :16].mean(axis=(1, 2)) / 255, abs=1e-5)


def test_features_are_asked_for_where_they_have_to_be(export):
    assert load(export(WithOptions())).features(landscapes(2, 1), as_grey).shape == (2, 7)


def test_one_range_of_metres_for_all():
    tiles = np.array([[[0.0, 10.0]], [[0.0, 1000.0]]])
    images = grey(tiles, 0.0, 1000.0)
    assert images.dtype == np.uint8 and images.shape == (2, 3, 1, 2)
    assert images[0, 0, 0].tolist() == [0, 3] and images[1, 2, 0].tolist() == [0, 255]
    assert grey(np.full((1, 1, 1), 5e4), 0, 100).max() == 255
    low, high = height_range(np.arange(10001.0))
    assert (low, high) == pytest.approx((10, 9990))


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (Unpooled(), r"gives \(2, 3, 32, 32\) for 2 images"),
        (Picky(), r"does not take uint8 images \(2, 3, 32, 32\)"),
        (Broken(), "not finite"),
    ],
)
def test_networks_that_do_not_fit_are_refused(export, module, words):
    with pytest.raises(LandloomError, match=words):
        load(export(module)).features(landscapes(2, 1), as_grey)


def test_files_that_are_no_network_are_refused(tmp_path):
    with pytest.raises(LandloomError, match="is not there"):
        Inception(tmp_path / "missing.pt", "0" * 64)
    (tmp_path / "text.pt").write_text("weights")
    with pytest.raises(LandloomError, match="not a TorchScript module"):
        load(tmp_path / "text.pt")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "state.pt")
    with pytest.raises(LandloomError, match="not a TorchScript module"):
        load(tmp_path / "state.pt")
    with pytest.raises(LandloomError, match="is not there"):
        Inception(tmp_path, "0" * 64)


def test_another_file_of_the_same_name_is_refused(export):
    path = export(Pooled())
    with pytest.raises(LandloomError, match=r"evaluate.inception.sha256: .*net.pt has [0-9a-f]{64}, not 0{64}"):
        Inception(path, "0" * 64)
