"""An analytic model, and files that a person gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.analytic.method import analytic_method, write_model
from tests.generate.steering.asked import GSD, PX
from tests.generate.test_draw import settle

analytic = pytest.fixture(scope="module")(analytic_method)


@pytest.fixture(scope="module")
def root(tmp_path_factory, analytic) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    write_model(folder / "data/toy/model", PX, GSD)
    return settle(folder, ["geotiff"])


@pytest.fixture
def ground() -> np.ndarray:
    rows, cols = np.mgrid[0:PX, 0:PX]
    return (400 + 30 * rows - 7.3 * cols + 90 * np.sin(cols / 3)).astype(np.float32)


@pytest.fixture
def mask(tmp_path) -> Path:
    picture = np.zeros((PX, PX), np.uint8)
    picture[4:9, 5:12] = 255
    Image.fromarray(picture).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"
