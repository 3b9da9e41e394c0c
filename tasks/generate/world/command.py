"""`tasks.generate <dataset> --world SIDE` or `--window COL,ROW,WIDTH,HEIGHT`: seamless terrain of any size."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.hashing import file_sha256
from tasks.core.settings import ROOT
from tasks.generate.chosen import choose
from tasks.generate.explore import part as parts
from tasks.generate.folders import fill
from tasks.generate.section import section
from tasks.generate.steering import kind as kinds
from tasks.generate.steering.pictures import stem
from tasks.generate.steering.words import notes, unknown
from tasks.generate.terrain.terrain import NO_PLACE
from tasks.generate.world.files import Part, georeference, write_heights, write_picture
from tasks.generate.world.given import Given, read_given
from tasks.generate.world.ground import World, windows_of
from tasks.generate.world.noise import FARTHEST
from tasks.generate.world.text_map import TextMap, read_text_map
from tasks.generate.world.tiles import write_tiles

PLACE = "drawings"
STEPS = 2  # evaluations of a window; one alone shows the corners of the network's squares of pixels
SHORT = 60  # characters of a name
TOLD_S = 20.0  # seconds between two lines about progress
STEERED = ("text", "upscale")
"""Ways to steer that a world takes, too (`tasks.generate.steering.kind`)."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options to the command line."""
    group = parser.add_argument_group(
        "seamless terrain of any size, with --text, --upscale, --seed, --guidance and --steps"
    )
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "--world",
        metavar="SIDE",
        nargs="?",
        const="",
        help="pixels a side, or COLUMNSxROWS; with --upscale the ground of that map, unless given",
    )
    either.add_argument("--window", metavar="COL,ROW,WIDTH,HEIGHT", help="a part of the same world, in pixels")
    group.add_argument(
        "--text-map",
        metavar="PLACES.geojson",
        type=Path,
        help="polygons with a property `text`, in the world's coordinates: their words instead of those of --text",
    )
    group.add_argument("--tiles", action="store_true", help="also terrain-RGB tiles, z/x/y.png, for maps in a browser")


def asked(parser: argparse.ArgumentParser, given: argparse.Namespace) -> bool:
    """Whether the command line asks for a world or a part of one."""
    found = given.world is not None or given.window is not None
    for option, value in (("tiles", given.tiles), ("text-map", given.text_map)):
        if value and not found:
            parser.error(f"--{option} goes with --world or --window")
    return found


def make(given: argparse.Namespace, root: Path = ROOT) -> Path:
    """Make what the command line asks for; return the folder.

    Raises:
        LandloomError: the options or the model cannot be used; no files are written.
    """
    for option in _others():
        if getattr(given, option) not in (None, False, []):
            raise LandloomError(f"--{option} does not go with --world and --window")
    for option in ("text", "guidance", "upscale"):
        if len(getattr(given, option) or ()) > 1:
            raise LandloomError(f"--world and --window take one --{option}")
    if given.seed is not None and not 0 <= given.seed < 2**31:
        raise LandloomError("--seed: a number from 0 to 2147483647")
    params = section(given.dataset, root)
    seed = params.seed if given.seed is None else given.seed
    text = " ".join((given.text or [""])[0].split())
    worded = bool(text or given.text_map)
    guidance = (given.guidance or [params.guidance])[0] if worded else 1.0  # it is the strength of words
    chosen = choose(given.dataset, given.model, root)
    onto = None
    if given.upscale:
        windows = windows_of(chosen.model)
        onto = read_given(Path(given.upscale[0]), chosen.model.gsd, windows.coarse_px)
    part, steps = _part(given, onto), STEPS if given.steps is None else given.steps
    drawn = None
    if given.text_map:
        windows_of(chosen.model)
        drawn = read_text_map(given.text_map, text, *georeference(float(chosen.model.gsd), onto and onto.place))
    words = drawn.words if drawn else text
    world = World(chosen.model, seed, words, guidance, steps, onto and onto.plane, onto.fold if onto else 1)
    strange = {each: unknown(chosen.model, each) if each else [] for each in (text, *(drawn.texts if drawn else ()))}
    for note in _notes(given, part, strange, drawn):
        print(f"[generate@{given.dataset}] {note}")
    name = stem(given.text_map.stem) if drawn else ""
    name = name or stem(text[:SHORT]) or (stem(Path(given.upscale[0]).stem) if onto else "") or "world"
    facts = {**chosen.origin, "seed": seed, "steps": steps} | ({"guidance": guidance} if worded else {})
    facts |= {"text": text, "unknown_words": ", ".join(strange[text])} if text else {}
    facts |= drawn.facts if drawn else {}
    facts |= onto.facts if onto else {}
    facts |= dict(zip(("first_col", "first_row", "cols", "rows"), part, strict=True))

    def write(target: Path) -> None:
        tags = {key.upper(): str(value) for key, value in facts.items()}
        tags |= {"PLACE": "partly generated" if onto else "none: generated", "UNIT": "metre"}
        heights, picture = target / f"{name}.tif", target / f"{name}.png"
        found = write_heights(heights, world, part, world.gsd, tags, Told(given.dataset), onto and onto.place)
        shown: dict[str, Any] = {"overview": {"exaggeration": round(write_picture(picture, heights, found), 2)}}
        if drawn:
            shown["texts"] = [{"text": each, "unknown_words": ", ".join(strange[each])} for each in drawn.texts]
        if given.tiles:
            shown["terrain_rgb"] = write_tiles(target / f"{name}-tiles", heights, name)
        place = f"generated within the ground of {onto.place.name}" if onto else NO_PLACE
        sidecar = _sidecar(name, {"place": place, **facts, **shown}, part, world.gsd, found, (heights, picture))
        write_json(target / f"{name}.json", sidecar)

    return fill(given.out or root / PLACE / f"{name}-world", write)


def _notes(given: argparse.Namespace, part: Part, strange: dict[str, list[str]], drawn: TextMap | None) -> list[str]:
    """Lines for the person: words that the model does not know, and polygons that lie elsewhere."""
    if drawn is None:
        return notes(*next(iter(strange.items()))) if given.text else []
    lines = [line for text, words in strange.items() if text for line in notes(text, words)]
    rectangle = (part.row, part.col, part.rows, part.cols)
    if not drawn.words.reach(*rectangle):
        west, south, east, north = drawn.words.bounds(*rectangle)
        where = f"x from {west:g} to {east:g} m and y from {south:g} to {north:g} m"
        lines.append(f"no polygon of {given.text_map} lies in this rectangle, which has {where}")
    return lines


def _others() -> list[str]:
    """Options that do not go with a world."""
    steering = [option for name in kinds.names() if name not in STEERED for option in (name, *kinds.find(name).also)]
    return [*steering, *parts.names(), "count", "palette", "set"]


def _sidecar(
    name: str, facts: dict[str, Any], part: Part, gsd: float, found: Any, files: tuple[Path, ...]
) -> dict[str, Any]:
    titles = {".tif": "cloud-optimised GeoTIFF", ".png": "overview"}
    return {
        "name": name,
        **facts,
        "gsd_m": gsd,
        "side_m": [part.rows * gsd, part.cols * gsd],
        "height": {"low_m": found.low, "high_m": found.high, "mean_m": found.mean, "unit": "metre"},
        "sea_share": found.sea,
        "files": {
            path.suffix[1:]: {"name": path.name, "title": titles[path.suffix], "sha256": file_sha256(path)}
            for path in files
        },
    }


def _part(given: argparse.Namespace, onto: Given | None) -> Part:
    """The rectangle that is asked for; `LandloomError` if it is none."""
    if given.window is not None:
        if not re.fullmatch(r"-?\d+,-?\d+,\d+,\d+", given.window):
            raise LandloomError(f"--window {given.window}: give COL,ROW,WIDTH,HEIGHT in pixels, as 2048,1024,512,512")
        option, part = "window", Part(*map(int, given.window.split(",")))
    elif onto is not None and not given.world:
        option, part = "world", Part(0, 0, onto.cols, onto.rows)
    else:
        if not re.fullmatch(r"\d+(x\d+)?", given.world):
            raise LandloomError(f"--world {given.world}: give pixels a side, as 4096, or COLUMNSxROWS, as 8192x4096")
        sides = [int(side) for side in given.world.split("x")]
        option, part = "world", Part(0, 0, sides[0], sides[-1])
    if min(part.cols, part.rows) < 1:
        raise LandloomError(f"--{option}: a side must have at least 1 pixel")
    if max(abs(part.col), abs(part.row), part.col + part.cols, part.row + part.rows) > FARTHEST:
        raise LandloomError(f"--{option}: the plane ends {FARTHEST:,} pixels from its middle")
    return part


class Told:
    """Prints how much is done, now and then."""

    def __init__(self, dataset: str):
        self._dataset, self._begun, self._last = dataset, time.monotonic(), time.monotonic()

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._last >= TOLD_S:
            self._last = now
            left = (now - self._begun) * (1 - share) / share
            print(f"[generate@{self._dataset}] {share:.0%}, {left:.0f} s left", file=sys.stderr, flush=True)
