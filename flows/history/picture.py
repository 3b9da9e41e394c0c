"""Lineage as a picture: sources at the left, then one card for each run, with one of its pictures where it has any."""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from PIL import Image

from flows.history.origins import Lineage, Terms, files, key, main_outputs, size, terms
from flows.history.runs import Recorded
from flows.history.store import Store
from flows.history.tree import commit, figures

WIDTH, HEIGHT, THUMB = 2.75, 2.55, 1.25  # width of a card and height of the picture on it, in inches
GAP_X, GAP_Y, BAND = 0.62, 0.28, 0.75
COLUMNS = 5  # columns side by side; further columns go into a band below
SHOWN = 4  # groups of sources with a card each; the rest is only counted
SOURCE, DATA, MODEL, PAGE = "#b7791f", "#2f6f5e", "#5b4b9a", "#5a6270"
PAPER, INK, FAINT = "#fcfbf8", "#20242a", "#6b7280"
FLOWING = {"fontsize": 7.2, "color": FAINT, "ha": "center", "va": "center", "style": "italic"}
BEST = ("overview", "scenes", "kept", "sheet", "tiles")  # the picture of a run to show, in order of preference


@dataclass
class Card:
    """One box: a title, lines of text and an optional picture. `needs` are names of other cards."""

    name: str
    title: str
    lines: list[str]
    colour: str
    needs: dict[str, str]  # name of the other card → what comes from it
    picture: np.ndarray | None = None
    rank: int = 0
    x: float = 0.0
    y: float = 0.0
    lane: float = 0.0  # height at which arrows from the band above pass


def draw(lineage: Lineage, root: Path) -> Figure:
    """Draw everything from the sources to the run, or to the model version that was asked for."""
    cards = _cards(lineage, Store(root))
    width, height = _place(cards)
    head = 0.85
    figure = Figure(figsize=(width, height + head), facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height + head, 0))
    axes.set_axis_off()
    axes.text(0.4, 0.42, _title(lineage), fontsize=17, weight="bold", color=INK, va="center")
    axes.text(0.4, 0.74, _subtitle(lineage), fontsize=9.5, color=FAINT, va="center")
    for card in cards.values():
        card.y, card.lane = card.y + head, card.lane + head
    lanes: dict[float, list[str]] = {}
    for card in cards.values():
        for need, what in card.needs.items():
            if _arrow(axes, cards[need], card, what) and what:
                lanes.setdefault(card.lane, []).append(what)
    for lane, names in lanes.items():
        axes.text(width / 2, lane - 0.11, ", ".join(dict.fromkeys(names)), **FLOWING)
    for card in cards.values():
        _card(axes, card)
    return figure


def _cards(lineage: Lineage, store: Store) -> dict[str, Card]:
    cards: dict[str, Card] = {}
    for run in lineage.chain:
        mine = key(run)
        needs = {other: _flow(lineage.by_key()[other], run) for other in lineage.needs[mine]}
        ledger = lineage.ledgers.get(mine)
        groups = [] if ledger is None else terms(ledger)
        for number, group in enumerate(groups[:SHOWN]):
            card = _source(f"{mine} source {number}", group)
            cards[card.name] = card
            needs[card.name] = ""
        if len(groups) > SHOWN:
            rest = groups[SHOWN:]
            lines = [f"{sum(group.taken for group in rest):,} rasters", "all of them in the PROV document"]
            cards[f"{mine} rest"] = Card(f"{mine} rest", f"{len(rest)} more terms", lines, SOURCE, {})
            needs[f"{mine} rest"] = ""
        cards[mine] = Card(mine, run.stage.split("@")[0], _facts(run, lineage), _colour(run), needs, _shown(run, store))
    if lineage.version is not None:
        version = lineage.version
        lines = [f"alias {', '.join(version.aliases)}" if version.aliases else "a registered model"]
        lines += [f"used by {user.stage.split('@')[0]}, run {key(user)[:12]}" for user in lineage.used_by]
        lines.append(f"model {str(version.tags.get('dvc.md5'))[:10]}")
        shown = next((image for user in lineage.used_by[::-1] if (image := _shown(user, store)) is not None), None)
        name = f"{version.name}, version {version.version}"
        cards["version"] = Card("version", name, lines, MODEL, {key(lineage.last): "model"}, shown)
    return cards


def _place(cards: dict[str, Card]) -> tuple[float, float]:
    """Give each card a column (the longest path from a source) and a row; returns the size in inches."""
    for card in cards.values():  # a card stands after those it needs
        card.rank = max((cards[need].rank + 1 for need in card.needs), default=0)
    ranks = max(card.rank for card in cards.values()) + 1
    bands = -(-ranks // COLUMNS)
    columns = -(-ranks // bands)
    stacks = [[card for card in cards.values() if card.rank == rank] for rank in range(ranks)]
    top = 0.35
    for band in range(bands):
        mine = stacks[band * columns : (band + 1) * columns]
        tall = max(_stack_height(stack) for stack in mine)
        for column, stack in enumerate(mine):
            y = top + (tall - _stack_height(stack)) / 2
            for card in stack:
                card.x, card.y, card.lane = 0.4 + column * (WIDTH + GAP_X), y, top - BAND / 2
                y += _card_height(card) + GAP_Y
        top += tall + BAND
    return 0.8 + columns * WIDTH + (columns - 1) * GAP_X, top - BAND + 0.4


def _stack_height(stack: list[Card]) -> float:
    return sum(_card_height(card) for card in stack) + GAP_Y * (len(stack) - 1)


def _card_height(card: Card) -> float:
    return 0.52 + 0.185 * len(card.lines) + (THUMB if card.picture is not None else 0)


def _card(axes: Any, card: Card) -> None:
    height = _card_height(card)
    box = {"boxstyle": "round,pad=0,rounding_size=0.08", "linewidth": 1.1}
    axes.add_patch(FancyBboxPatch((card.x, card.y), WIDTH, height, facecolor="white", edgecolor=card.colour, **box))
    axes.add_patch(FancyBboxPatch((card.x, card.y), WIDTH, 0.36, facecolor=card.colour, edgecolor=card.colour, **box))
    axes.text(
        card.x + 0.12, card.y + 0.19, card.title, color="white", fontsize=10.5, weight="bold", va="center", clip_on=True
    )
    y = card.y + 0.36
    if card.picture is not None:
        axes.imshow(card.picture, extent=(card.x + 0.02, card.x + WIDTH - 0.02, y + THUMB, y), aspect="auto", zorder=2)
        y += THUMB
    for number, line in enumerate(card.lines):
        axes.text(
            card.x + 0.12,
            y + 0.15 + 0.185 * number,
            line,
            fontsize=7.6,
            color=INK if number == 0 else FAINT,
            va="center",
        )


def _arrow(axes: Any, start: Card, end: Card, what: str) -> bool:
    """Draw the arrow between two cards; returns whether it passes between two bands."""
    a = (start.x + WIDTH + 0.02, start.y + _card_height(start) / 2)
    b = (end.x - 0.03, end.y + _card_height(end) / 2)
    style = {"arrowstyle": "-|>", "mutation_scale": 11, "linewidth": 1.3, "color": "#9aa1ab", "zorder": 0}
    if end.x > start.x:
        bend = "arc3,rad=0" if abs(a[1] - b[1]) < 0.05 else f"arc3,rad={0.12 if a[1] > b[1] else -0.12}"
        axes.add_patch(FancyArrowPatch(a, b, connectionstyle=bend, shrinkA=0, shrinkB=0, **style))
        axes.text((a[0] + b[0]) / 2, (a[1] + b[1]) / 2 - 0.12, what, **FLOWING)
    else:  # down to the next band: out to the right, back between the bands, in from the left
        way = [a, (a[0] + 0.25, a[1]), (a[0] + 0.25, end.lane), (end.x - 0.28, end.lane), (end.x - 0.28, b[1]), b]
        for first, second in pairwise(way[:-1]):
            axes.plot(*zip(first, second, strict=True), color=style["color"], linewidth=1.3, zorder=0)
        axes.add_patch(FancyArrowPatch(way[-2], b, shrinkA=0, shrinkB=0, **style))
    return end.x <= start.x


def _facts(run: Recorded, lineage: Lineage) -> list[str]:
    lines = textwrap.wrap(figures(run).replace("_", " "), 46)[:2] or []
    for path, digest in list(main_outputs(run).items())[:3]:
        name = path.split("/", 2)[-1]
        lines.append(f"{name} {digest[:10]}" + (f", {files(lineage.files[digest])}" if digest in lineage.files else ""))
    return [*lines, f"run {(run.run_id or 'not in MLflow')[:12]}", f"commit {commit(run)}"]


def _source(name: str, group: Terms) -> Card:
    plural = "raster" if group.taken == 1 else "rasters"
    made = "computed, not measured" if group.procedural else f"{group.source}, {size(group.bytes)}"
    refused = f", {group.refused} refused" if group.refused else ""
    lines = [made + refused, *_short(f"licence: {group.licence}"), *_short(group.attribution), *_first(group)]
    return Card(name, f"{group.taken:,} {plural}", lines, SOURCE, {})


def _first(group: Terms) -> list[str]:
    """Hosts of the URLs, or the first names where there are none."""
    hosts = sorted({urlsplit(name).hostname for name in group.names if "://" in name} - {None})
    text = ", ".join(hosts or group.names[:4]) + ("" if hosts or len(group.names) <= 4 else ", …")
    return _short(text)


def _short(text: str) -> list[str]:
    lines = textwrap.wrap(text, 44)
    return lines if len(lines) <= 2 else [lines[0], lines[1][:45] + "…"]


def _flow(start: Recorded, end: Recorded) -> str:
    """What `end` takes from `start`, for the arrow between them."""
    names = [
        path.split("/", 2)[-1].split(".")[0]
        for path, digest in end.data_inputs.items()
        if start.outputs.get(path) == digest and path in main_outputs(start)
    ]
    return ", ".join(dict.fromkeys(name for name in names if "/" not in name)) if len(names) <= 2 else ""


def _shown(run: Recorded, store: Store) -> np.ndarray | None:
    """The run's main picture, cut to the card; read by its recorded hash."""
    digest = next((digest for path, digest in run.outputs.items() if "/pictures/" in path), None)
    listing = (store.listing(digest) if digest else None) or {}
    steps = sorted(name for name in listing if name.startswith("step-"))
    best = next((f"{name}.png" for name in BEST if f"{name}.png" in listing), None) or next(iter(steps[::-1]), None)
    data = store.read(listing[best]) if best else None
    if data is None:
        return None
    image = Image.open(io.BytesIO(data)).convert("RGB")
    # Cut titles and margins off: nobody can read them at this size.
    wide, tall = image.size
    wanted = min(wide * 0.9, tall * 0.9 * WIDTH / THUMB)
    left, upper = (wide - wanted) / 2, (tall - wanted * THUMB / WIDTH) * 0.6
    box = (round(left), round(upper), round(left + wanted), round(upper + wanted * THUMB / WIDTH))
    return np.asarray(image.crop(box).resize((520, round(520 * THUMB / WIDTH)), Image.Resampling.LANCZOS))


def _colour(run: Recorded) -> str:
    if any(path.split("/")[0] == "models" for path in run.code_inputs):
        return MODEL
    return PAGE if any("/runs/" in path or path.endswith("lineage.json") for path in run.data_inputs) else DATA


def _title(lineage: Lineage) -> str:
    if lineage.version is not None:
        return f"Where {lineage.version.name}, version {lineage.version.version}, comes from"
    return f"Where {lineage.last.stage} comes from"


def _subtitle(lineage: Lineage) -> str:
    ledgers = [ledger for ledger in lineage.ledgers.values() if ledger is not None]
    count = sum(int(ledger["refused"].isna().sum()) for ledger in ledgers)
    licences = sorted({group.licence for ledger in ledgers for group in terms(ledger)})
    run = lineage.last.run_id or "not in MLflow"
    text = f"run {run}; {len(lineage.chain)} runs back to {count:,} rasters"
    return text + (f" under {len(licences)} licence{'s' * (len(licences) != 1)}" if licences else "")
