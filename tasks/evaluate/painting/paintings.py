"""Painted maps beside the tiles of the same places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Paintings:
    """Maps of held-out tiles, painted, beside the tiles: labels (n, H, W), color (n, H, W, 3), height (n, H, W).

    `painted` is the model's output: `texture` and `shaded`, uint8 (n, H, W, 3), and `height` in metres.
    """

    labels: np.ndarray
    color: np.ndarray
    height: np.ndarray
    painted: Any
