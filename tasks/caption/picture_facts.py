"""Facts about tiles without heights: colours, land cover, and what the publisher says of the picture.

| key | is |
|---|---|
| `subject` | what every picture of the dataset shows, as `params.yaml` says; null where it says nothing |
| `palette`, `brightness`, `contrast` | see `tasks.caption.named_colors` |
| `cover` | share of each class of the labels, the largest first; absent without labels |
| `stated` | title, date, language, script: what the ledger's `facts` say of all sources of the tile; absent without |

Nothing of `stated` is measured or guessed. A statement that two sources of one tile contradict is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np

from tasks.caption.describer import Facts
from tasks.formats.tables.classes import NO_CLASS

STATED = ("title", "date", "language", "script")
LEAST_COVER = 0.02  # smaller shares are left out


def cover_facts(classes: np.ndarray, names: dict[int, str]) -> Facts:
    """Fact `cover` of a class map, uint8 (H, W), 255 for no class; no fact where no pixel has a class."""
    count = np.bincount(classes.ravel(), minlength=256)[:NO_CLASS]
    total = int(count.sum())
    if not total:
        return {}
    order = [number for number in np.argsort(-count, kind="stable").tolist() if count[number] >= LEAST_COVER * total]
    return {"cover": [{"class": names[number], "share": round(count[number] / total, 3)} for number in order]}


def stated_facts(given: Iterable[str | None]) -> Facts:
    """Fact `stated` from the ledger's `facts` of all sources of a tile: what they agree on."""
    every = [json.loads(text) if isinstance(text, str) else {} for text in given]
    agreed = {}
    for key in STATED:
        values = [one.get(key) for one in every]
        if values and values[0] and all(value == values[0] for value in values):
            agreed[key] = values[0]
    return {"stated": agreed} if agreed else {}
