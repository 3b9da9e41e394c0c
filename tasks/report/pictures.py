"""The pictures that the stages drew: copied beside the page, each with words for who cannot see it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

MOST_STEPS = 6  # pictures of one series (sample grids while training) that are shown


@dataclass(frozen=True)
class Picture:
    """One picture beside the page: its path from the page, its size, and what it shows."""

    path: str
    width: int
    height: int
    text: str


CAPTIONS = {  # by stage and the start of the name; the first that fits
    "project/map": "Where the rasters lie: the footprints of the scenes.",
    "project/scenes": "The scenes, shaded from the north-west; voids in pink.",
    "select/map": "Where the tiles lie, and which were kept.",
    "select/kept": "Kept tiles, a sample over all kinds of relief.",
    "select/dropped": "Dropped tiles, by the rule that dropped them.",
    "select/histogram": "How the statistics of kept and dropped tiles are spread.",
    "caption/sheet": "Tiles from the least relief to the most, each with the caption made from its measured facts.",
    "train/curve": "What the method minimised, and the size of its gradients, over the steps.",
    "evaluate/tiles": "Held-out real tiles in the first row, generated ones below, then the controls that a good "
    "metric must call bad. One range of metres colours them all.",
    "evaluate/distances": "Distance of every set to held-out real tiles; shorter is closer.",
    "evaluate/curves": "Hypsometry, slopes and spectra: real, generated, and noise of the same spectrum.",
    "evaluate/descriptors": "Which terrain descriptor is how far off in which set.",
    "evaluate/nearest": "The generated tiles nearest to any training tile, above the tile they come near to.",
    "generate/overview": "The generated terrains, as exported.",
}

SERIES = {"train/step": "Real tiles beside samples after {:,} steps."}


def copy_pictures(stage_dir: Path, stage: str, target: Path) -> list[Picture]:
    """Copy `pictures/<stage>/*.png` to `target/pictures/<stage>/`; of each numbered series at most six."""
    folder = target / "pictures" / stage
    return [
        copy_picture(path, folder / path.name, target, caption(stage, path.stem))
        for path in choose(sorted((stage_dir / "pictures" / stage).glob("*.png"), key=_order))
    ]


def copy_picture(source: Path, copy: Path, page: Path, text: str) -> Picture:
    """Copy one picture to `copy`, below the folder `page`."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)
    with Image.open(copy) as image:
        width, height = image.size
    return Picture(copy.relative_to(page).as_posix(), width, height, text)


def caption(stage: str, name: str) -> str:
    """What the picture shows, in a sentence; its own name where nobody wrote one."""
    plain, number = _split(name)
    if number is not None:
        return SERIES.get(f"{stage}/{plain}", f"{_words(plain)} at step {{:,}}.").format(number)
    known = next((text for start, text in CAPTIONS.items() if f"{stage}/{name}".startswith(start)), None)
    if known is None:
        return f"{_words(name)}."
    if name.startswith("nearest_steps"):
        steps = name.removeprefix("nearest_steps")
        return f"{known} Sampled in {steps} step{'' if steps == '1' else 's'}."
    return known


def choose(paths: list[Path]) -> list[Path]:
    """All pictures, but of each series (`name_<number>`) only six, evenly spread from the first to the last."""
    series: dict[str, list[Path]] = {}
    for path in paths:
        plain, number = _split(path.stem)
        series.setdefault(plain if number is not None else path.stem, []).append(path)
    chosen: set[Path] = set()
    for members in series.values():
        places = np.linspace(0, len(members) - 1, min(len(members), MOST_STEPS)).round().astype(int)
        chosen |= {members[place] for place in places}
    return [path for path in paths if path in chosen]


def _order(path: Path) -> tuple[str, int]:
    plain, number = _split(path.stem)
    return plain, number or 0


def _split(name: str) -> tuple[str, int | None]:
    """`step-000300` → (`step`, 300); a name with no number after `_` or `-` is no part of a series."""
    found = re.fullmatch(r"(.+?)[_-](\d+)", name)
    return (found[1], int(found[2])) if found else (name, None)


def _words(name: str) -> str:
    text = re.sub(r"[_-]+", " ", name).strip()
    return text[:1].upper() + text[1:]
