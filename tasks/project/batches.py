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
from tasks.project.sheets.survey import Square

FILES_OF_THEIR_OWN = (
    500  # at most this many scenes of two layers each: DVC and its remotes slow down with the number of files
)
_BATCH = 4  # scenes in a batch without a pack; such scenes are large, so a few make a task worth sending
_PACK_PX = 1 << 22  # pixels of all scenes in a pack: about 20 MB of heights and colours
_PACKS = 16, 900  # fewest and most packs: enough to share among workers, and bounded for any dataset


@dataclass(frozen=True)
class Job:
    """A scene to make on a grid from all rasters that reach it.

    `whole` means that the scene must fill its grid; otherwise it is not made.
    """

    grid: Grid
    rasters: tuple[Raster, ...]
    whole: bool = False

    @property
    def name(self) -> str:
        """Name of the scene."""
        return self.grid.name

    @property
    def pixels(self) -> int:
        """Largest number of pixels that the scene can have."""
        return self.grid.cols * self.grid.rows


@dataclass(frozen=True)
class Batch:
    """A few neighbouring scenes for one worker. Neighbours mostly read the same files.

    The scenes are written into `folder`, or into its pack `pack` where that is given.
    """

    scenes: tuple[Job | Picture | Square, ...]
    folder: Path
    pack: str | None
    params: Params

    def __str__(self) -> str:
        return f"scenes {self.scenes[0].name} to {self.scenes[-1].name}"


def share_out(scenes: Sequence[Job | Picture | Square], folder: Path, params: Params) -> list[Batch]:
    """All scenes in order, in batches: a batch is a few scenes, or the scenes of one pack."""
    if len(scenes) <= FILES_OF_THEIR_OWN:
        return [Batch(tuple(part), folder, None, params) for part in _parts(scenes)]
    sizes = np.array([scene.pixels for scene in scenes])
    count = int(np.clip(-(-sizes.sum() // _PACK_PX), *_PACKS))
    number = (np.cumsum(sizes) - sizes) * count // sizes.sum()
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1), len(scenes)]
    return [
        Batch(tuple(scenes[start:end]), folder, f"pack-{index:03d}", params)
        for index, (start, end) in enumerate(zip(edges[:-1], edges[1:], strict=True))
    ]


def _parts(scenes: Sequence[Job | Picture | Square]) -> list[list[Job | Picture | Square]]:
    """Scenes in order, at least `_BATCH` a part. The squares of one scan stay together, so that it is read once."""
    parts: list[list[Job | Picture | Square]] = []
    for scene in scenes:
        together = parts and isinstance(scene, Square) and scene.scan == parts[-1][-1].scan
        if parts and (len(parts[-1]) < _BATCH or together):
            parts[-1].append(scene)
        else:
            parts.append([scene])
    return parts
