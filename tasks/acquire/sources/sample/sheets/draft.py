"""What a sheet is to be, before it is drawn: its place, style, script, year and title."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.acquire.sources.sample.ground.places import Place, Wanted, places
from tasks.acquire.sources.sample.sheets.scripts import SCRIPTS, WEIGHTS, Script, name
from tasks.acquire.sources.sample.sheets.styles import STYLES, Style

SIDE_M = 42_000.0
_INLAND = Wanted(SIDE_M, mean=(30, 2600), relief=(350, 5000), land=(0.95, 1.0), latitude=66)
_COAST = Wanted(SIDE_M, mean=(8, 1500), relief=(180, 5000), land=(0.4, 0.9), latitude=66)


@dataclass(frozen=True)
class Draft:
    """The decisions of a sheet."""

    style: Style
    script: Script
    year: int
    title: str


def sheet_places(count: int, planet_seed: int) -> list[Place]:
    """Places for `count` sheets: every third one at a coast."""
    inland, coast = places(_INLAND, count, planet_seed), places(_COAST, -(-count // 3), planet_seed)
    return [coast[number // 3] if number % 3 == 1 else inland[number] for number in range(count)]


def draft(place: Place) -> Draft:
    """The decisions for the sheet of a place."""
    rng = np.random.default_rng((place.seed, 2))
    style = STYLES[int(rng.integers(len(STYLES)))]
    script = SCRIPTS[int(rng.choice(len(SCRIPTS), p=WEIGHTS))]
    return Draft(style, script, int(rng.integers(style.years[0], style.years[1] + 1)), name(script, rng, 3))
