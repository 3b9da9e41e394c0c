"""Converts pictures in bytes to images for a network, and back without loss. Nothing is measured."""

from __future__ import annotations

from typing import Any

import numpy as np


class ColorEncoding:
    """uint8 (n, h, w, 3) to and from float32 (n, 3, h, w) in -1..1."""

    channels = 3
    facts = 0

    def encode(self, color: np.ndarray) -> np.ndarray:
        """uint8 (n, h, w, 3) to float32 (n, 3, h, w)."""
        return np.moveaxis(color, -1, 1).astype(np.float32) / np.float32(127.5) - np.float32(1)

    def decode(self, images: np.ndarray) -> np.ndarray:
        """float (n, 3, h, w) to uint8 (n, h, w, 3); values outside -1..1 are cut off."""
        values = (np.moveaxis(images, 1, -1) + np.float32(1)) * np.float32(127.5)
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    def to_dict(self) -> dict[str, Any]:
        """The JSON values that `config.json` keeps."""
        return {"kind": "color"}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ColorEncoding:
        """The encoding from the values of `to_dict`; ValueError if they describe another kind."""
        if values.get("kind") != "color":
            raise ValueError(f"encoding {values.get('kind')!r} is not known here; known: color")
        return cls()
