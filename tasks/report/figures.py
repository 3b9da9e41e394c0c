"""Copies the pictures of the stages beside the page, each with a text alternative."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

MOST_STEPS = 6  # largest number of pictures shown of one series (sample grids during training)


@dataclass(frozen=True)
class Picture:
    """One picture beside the page: its path relative to the page, its name, its size and its caption."""

    path: str
    name: str
    width: int
    height: int
    text: str
    step: int | None = None  # of a picture in a series


# Captions by stage and start of the name, in the order of the page. Evaluate and generate write their own captions.
CAPTIONS = {
    "project/scenes": "Where the scenes lie, and what they show, shaded from the north-west; voids are pink.",
    "select/map": "Where the candidate tiles lie, and what became of each.",
    "select/kept": "Kept tiles from the least relief to the most.",
    "select/dropped": "Dropped tiles, by the reason.",
    "select/histogram": "How the statistics are spread over all candidates and over the kept tiles.",
    "label/classes": "The classes: colour, number and name, share and means; in circles, what is most typical of each.",
    "label/tiles": "Tiles beside their labels.",
    "label/embedding": "The sampled pixels as UMAP laid them out, in the colours of their classes.",
    "label/evidence": "What spoke for the number of classes.",
    "caption/sheet": "Tiles from the least relief to the most, each with the caption made from its measured facts.",
    "train/curve": "What the method minimised, and the size of its gradients, over the steps.",
}

SERIES = {"train/step": "Real tiles beside samples after {:,} steps."}


def copy_pictures(stage_dir: Path, stage: str, target: Path, told: Mapping[str, str] | None = None) -> list[Picture]:
    """Copy `pictures/<stage>/*.png` to `target/pictures/<stage>/`; of each numbered series at most six.

    Args:
        told: captions by name, if the stage wrote them. Pictures in this mapping come first, in its order.
    """
    folder, told = target / "pictures" / stage, told or {}
    paths = sorted((stage_dir / "pictures" / stage).glob("*.png"), key=lambda path: _order(stage, path.stem))
    paths.sort(key=lambda path: list(told).index(path.stem) if path.stem in told else len(told))

    def words(name: str) -> tuple[str, int | None]:
        return (told[name], None) if name in told else caption(stage, name)

    return [copy_picture(path, folder / path.name, target, *words(path.stem)) for path in choose(paths)]


def copy_picture(source: Path, copy: Path, page: Path, text: str, step: int | None = None) -> Picture:
    """Copy one picture to `copy`, a path inside the folder `page`."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)
    with Image.open(copy) as image:
        width, height = image.size
    return Picture(copy.relative_to(page).as_posix(), source.stem, width, height, text, step)


def caption(stage: str, name: str) -> tuple[str, int | None]:
    """The caption of the picture (its name if there is no caption), and its step in a series."""
    plain, step = _split(name)
    if step is not None:
        return SERIES.get(f"{stage}/{plain}", f"{_words(plain)} at step {{:,}}.").format(step), step
    known = _known(stage, name)
    return (f"{_words(name)}." if known is None else CAPTIONS[known]), None


def _known(stage: str, name: str) -> str | None:
    return next((start for start in CAPTIONS if f"{stage}/{name}".startswith(start)), None)


def choose(paths: list[Path]) -> list[Path]:
    """All pictures, but at most six of each series (`name_<number>`), evenly spread from the first to the last."""
    series: dict[str, list[Path]] = {}
    for path in paths:
        plain, number = _split(path.stem)
        series.setdefault(plain if number is not None else path.stem, []).append(path)
    chosen: set[Path] = set()
    for members in series.values():
        places = np.linspace(0, len(members) - 1, min(len(members), MOST_STEPS)).round().astype(int)
        chosen |= {members[place] for place in places}
    return [path for path in paths if path in chosen]


def _order(stage: str, name: str) -> tuple[int, str, int]:
    known, (plain, step) = _known(stage, name), _split(name)
    return list(CAPTIONS).index(known) if known else len(CAPTIONS), plain, step or 0


def _split(name: str) -> tuple[str, int | None]:
    """`step-000300` → (`step`, 300); a name without a number after `_` or `-` does not belong to a series."""
    found = re.fullmatch(r"(.+?)[_-](\d+)", name)
    return (found[1], int(found[2])) if found else (name, None)


def _words(name: str) -> str:
    text = re.sub(r"[_-]+", " ", name).strip()
    return text[:1].upper() + text[1:]
