"""How scenes are shared out among workers, and into packs where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.project.grids import Grid
from tasks.project.params import Params
from tasks.project.photographs import Picture
from tasks.project.rasters import Raster

FILES_OF_THEIR_OWN = 500  # scenes at most, of two layers each; DVC and its remotes slow down with the number of files
_BATCH = 4  # scenes with files of their own; they are large, so a few make a task worth sending
_PACK_PX = 1 << 22  # pixels of scenes in a pack: some 20 MB of heights and colours
_PACKS = 16, 900  # at least, so that there is work to share; at most, however large the dataset


@dataclass(frozen=True)
class Job:
    """A scene to make on a grid, from all rasters that reach it; `whole`, it is as large as its grid or not at all."""

    grid: Grid
    rasters: tuple[Raster, ...]
    whole: bool = False

    @property
    def name(self) -> str:
        """The scene's."""
        return self.grid.name

    @property
    def pixels(self) -> int:
        """How many, at most."""
        return self.grid.cols * self.grid.rows


@dataclass(frozen=True)
class Batch:
    """A few neighbouring scenes for one worker: they mostly read the same files.

    Their own files go into `folder`, or into its pack of the name `pack`.
    """

    scenes: tuple[Job | Picture, ...]
    folder: Path
    pack: str | None
    params: Params

    def __str__(self) -> str:
        return f"scenes {self.scenes[0].name} to {self.scenes[-1].name}"


def share_out(scenes: Sequence[Job | Picture], folder: Path, params: Params) -> list[Batch]:
    """All scenes, in order, in batches: of a few scenes, or of a pack each."""
    if len(scenes) <= FILES_OF_THEIR_OWN:
        parts = [scenes[start : start + _BATCH] for start in range(0, len(scenes), _BATCH)]
        return [Batch(tuple(part), folder, None, params) for part in parts]
    sizes = np.array([scene.pixels for scene in scenes])
    count = int(np.clip(-(-sizes.sum() // _PACK_PX), *_PACKS))
    number = (np.cumsum(sizes) - sizes) * count // sizes.sum()
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1), len(scenes)]
    return [
        Batch(tuple(scenes[start:end]), folder, f"pack-{index:03d}", params)
        for index, (start, end) in enumerate(zip(edges[:-1], edges[1:], strict=True))
    ]
