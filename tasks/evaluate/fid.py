"""Fréchet Inception distance; it needs a TorchScript feature network.

The network gets uint8 (N, 3, S, S) and does its own resizing and scaling, as NVIDIA's `inception-2015-12-05.pt`
does. The medium converts its tiles into such images.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256

BATCH = 32
DRAWS = 10  # each draw costs one decomposition of up to 2048 × 2048 numbers


class Inception:
    """A TorchScript network from images to features, on the CPU."""

    def __init__(self, path: Path, sha256: str):
        """Load it.

        Raises:
            LandloomError: the file does not exist, its SHA-256 differs, or it is not a TorchScript module.
        """
        import torch

        self.path, self.sha256 = path, sha256
        if not path.is_file():
            raise LandloomError(f"evaluate.inception: {path} is not there; give a TorchScript file, or null for no FID")
        found = file_sha256(path)
        if found != sha256:
            raise LandloomError(
                f"evaluate.inception.sha256: {path} has {found}, not {sha256}: this is another "
                "file; fetch the one that was meant, or write down the new hash"
            )
        try:
            self._module = torch.jit.load(str(path), map_location="cpu").eval()
        except (RuntimeError, ValueError, OSError, EOFError) as error:
            reason = str(error).strip().splitlines()[0]
            raise LandloomError(f"evaluate.inception: {path} is not a TorchScript module ({reason})") from None
        names = {argument.name for argument in self._module.forward.schema.arguments}
        # NVIDIA's file gives class probabilities unless asked for features.
        self._options = {"return_features": True} if "return_features" in names else {}

    def features(self, tiles: np.ndarray, as_images: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Features of N tiles, float64 (N, F); `as_images` converts tiles into uint8 (n, 3, S, S).

        Raises:
            LandloomError: the network rejects the images, or does not return one row of finite numbers per image.
        """
        import torch

        out = []
        for start in range(0, len(tiles), BATCH):
            images = torch.from_numpy(as_images(tiles[start : start + BATCH]))
            try:
                with torch.inference_mode():
                    rows = self._module(images, **self._options)
            except (RuntimeError, TypeError) as error:
                reason = str(error).strip().splitlines()[-1]
                raise LandloomError(
                    f"evaluate.inception: {self.path} does not take uint8 images {tuple(images.shape)}: {reason}"
                ) from None
            shape = tuple(rows.shape) if isinstance(rows, torch.Tensor) else type(rows).__name__
            if not isinstance(rows, torch.Tensor) or rows.ndim != 2 or len(rows) != len(images):
                raise LandloomError(
                    f"evaluate.inception: {self.path} gives {shape} for {len(images)} images, not ({len(images)}, F)"
                )
            if not torch.isfinite(rows).all():
                raise LandloomError(f"evaluate.inception: {self.path} gives features that are not finite")
            out.append(rows.double().numpy())
        return np.concatenate(out)


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of the Gaussians that fit two samples (N, F) and (M, F).

    d² = |m - n|² + Tr(C + D - 2 (C D)^½): Dowson & Landau 1982; Heusel et al. 2017, equation 6.
    """
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    traces = (x**2).sum() / (len(a) - 1) + (y**2).sum() / (len(b) - 1)
    # C = XᵀX / (n - 1) and D = YᵀY / (m - 1). The eigenvalues of C D are the squared singular values of X Yᵀ, divided
    # by (n - 1)(m - 1). R of a QR decomposition can replace X. This avoids the square root of a nearly singular matrix.
    r, s = np.linalg.qr(x, mode="r"), np.linalg.qr(y, mode="r")
    root = np.linalg.svd(r @ s.T, compute_uv=False).sum() / np.sqrt((len(a) - 1) * (len(b) - 1))
    return float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum() + traces - 2 * root)
