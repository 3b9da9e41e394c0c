"""Another finished model to start from: its weights, checked by their hash. The parameter model imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from models.core.config import Config, PinnedFile

if TYPE_CHECKING:
    from torch import nn


class PinnedModel(Config):
    """A folder of a finished model, named by path and by the content of its weights."""

    folder: str = Field(min_length=1)
    """Path of the folder, relative to the repository."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of `weights.safetensors` in it; `sha256sum FILE` prints it."""


def take_over(pinned: PinnedModel, networks: nn.ModuleDict, root: Path) -> dict[str, int | str]:
    """Copy each tensor of the model whose name and shape `networks` has too; return facts for `config.json`.

    Raises:
        ValueError: the file cannot be read or has another hash, or no tensor fits.
    """
    import torch
    from safetensors.torch import load_file

    from models.core.pinned import verified

    path = verified(PinnedFile(path=f"{pinned.folder}/weights.safetensors", sha256=pinned.sha256), root)
    found, own = load_file(path), networks.state_dict()
    fitting = {name: value for name, value in found.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise ValueError(f"{path}: no layer has the name and shape of a layer of this model")
    with torch.no_grad():
        for name, value in fitting.items():
            own[name].copy_(value)
    return {"sha256": pinned.sha256, "tensors": len(fitting), "tensors_left": len(found) - len(fitting)}
