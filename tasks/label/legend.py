"""The classes during the fit: numbers, names, colours, and the class of every sampled pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from tasks.core.errors import LandloomError
from tasks.label.classifier import Prototype
from tasks.label.naming import conventional, propose, unique
from tasks.label.palette import Color, spread
from tasks.label.params import Edit, Merge, Move, Recolour, Ref, Rename
from tasks.label.traits import order
from tasks.relief.shade.hillshade import SEA, TINTS

SAME = 0.2  # least intersection over union of a class and an earlier class that count as the same


@dataclass(frozen=True)
class Named:
    """One class: its number before all edits, its name, its colour, and whether a person chose the colour."""

    number: int
    name: str
    color: Color
    chosen: bool = False


@dataclass(frozen=True)
class Legend:
    """Classes, and for each sampled pixel the `number` of its class."""

    classes: tuple[Named, ...]
    labels: np.ndarray

    def card(self) -> pd.DataFrame:
        """The class card: numbers without gaps, in the order of `classes`."""
        rows = [[index, one.name, *one.color] for index, one in enumerate(self.classes)]
        return pd.DataFrame(rows, columns=["id", "name", "red", "green", "blue"])

    def ids(self) -> np.ndarray:
        """For each sampled pixel the id of its class in the card."""
        place = np.zeros(max(one.number for one in self.classes) + 1, np.int64)
        place[[one.number for one in self.classes]] = np.arange(len(self.classes))
        return place[self.labels]


def legend(labels: np.ndarray, table: pd.DataFrame) -> Legend:
    """Clusters in the fixed order, with names and colours from their traits (`traits.traits`)."""
    ranked = order(table)
    place = np.argsort(ranked, kind="stable")
    table = table.iloc[ranked].reset_index(drop=True)
    names, vivid = propose(table), _vivid([_color(row) for _, row in table.iterrows()])
    wanted = [conventional(name) or color for name, color in zip(names, vivid, strict=True)]
    colors = spread(wanted if "roughness" in table else vivid, [False] * len(table))
    classes = (Named(number, *pair) for number, pair in enumerate(zip(names, colors, strict=True)))
    return Legend(tuple(classes), place[labels])


def match(found: Legend, earlier: list[Prototype], nearest: np.ndarray) -> Legend:
    """Give classes of an earlier run their earlier place, name and colour.

    Args:
        nearest: (n,) for each sampled pixel the most similar earlier class.

    The assignment with the most agreement is chosen (Kuhn 1955, the Hungarian method). Classes without an earlier class
    follow in the fixed order.
    """
    overlap = np.zeros((len(found.classes), len(earlier)))
    np.add.at(overlap, (found.labels, nearest), 1)
    union = overlap.sum(axis=1, keepdims=True) + overlap.sum(axis=0, keepdims=True) - overlap
    agreement = overlap / np.maximum(union, 1)
    rows, columns = linear_sum_assignment(-agreement)
    known = {column: row for row, column in zip(rows, columns, strict=True) if agreement[row, column] >= SAME}
    ranked = [known[column] for column in sorted(known)]
    classes = [Named(place, earlier[column].name, earlier[column].color) for place, column in enumerate(sorted(known))]
    for row, one in enumerate(found.classes):
        if row not in ranked:
            ranked.append(row)
            name = unique(one.name, [other.name for other in classes])
            classes.append(replace(one, number=len(classes), name=name))
    colors = spread([one.color for one in classes], [place < len(known) for place in range(len(classes))])
    classes = [replace(one, color=color) for one, color in zip(classes, colors, strict=True)]
    place = np.empty(len(ranked), np.int64)
    place[ranked] = np.arange(len(ranked))
    return Legend(tuple(classes), place[found.labels])


def edit(
    found: Legend, edits: tuple[Edit, ...], pick: Callable[[Move, np.ndarray, str], np.ndarray], key: str
) -> Legend:
    """Apply a person's edits in their order.

    Args:
        pick: takes a move, the sampled pixels (n,) bool of its class, and the move's path in the parameters; returns
            the pixels to move. key: path of the edits in the parameters.

    Raises:
        LandloomError: an edit is wrong; the message names it.
    """
    classes, labels = list(found.classes), found.labels.copy()
    for index, change in enumerate(edits):
        where = f"{key}[{index}]"
        if isinstance(change, Merge):
            first, *others = (_resolve(ref, classes, where) for ref in change.merge)
            if first in others or len(set(others)) < len(others):
                raise LandloomError(f"{where}: a class cannot be merged with itself")
            for other in others:
                labels[labels == other.number] = first.number
                classes.remove(other)
        elif isinstance(change, Rename):
            one = _resolve(change.rename, classes, where)
            if any(other.name == change.to for other in classes if other is not one):
                raise LandloomError(
                    f"{where}: there is a class {change.to!r} already; merge the two, or take another name"
                )
            classes[classes.index(one)] = replace(one, name=change.to)
        elif isinstance(change, Recolour):
            one = _resolve(change.recolour, classes, where)
            classes[classes.index(one)] = replace(one, color=change.to, chosen=True)
        else:
            one, to = (_resolve(ref, classes, where) for ref in (change.move, change.to))
            moved = pick(change, labels == one.number, where)
            if not moved.any():
                raise LandloomError(f"{where}: none of the sampled pixels there is of class {one.name!r}")
            labels[moved] = to.number
            if not (labels == one.number).any():
                raise LandloomError(f"{where}: this would move all pixels of class {one.name!r}; merge it instead")
    if len(classes) < 2:
        raise LandloomError(f"{key}: only one class is left after all edits, and two are needed")
    try:
        colors = spread([one.color for one in classes], [one.chosen for one in classes])
    except ValueError as error:
        raise LandloomError(f"{key}: {error}: such classes cannot be distinguished in a drawing") from None
    classes = [replace(one, color=color) for one, color in zip(classes, colors, strict=True)]
    return Legend(tuple(classes), labels)


def _resolve(ref: Ref, classes: list[Named], where: str) -> Named:
    for one in classes:
        if ref in (one.number, one.name):
            return one
    known = ", ".join(f"{one.number} {one.name!r}" for one in classes)
    raise LandloomError(f"{where}: there is no class {ref!r} at this point; there are {known}")


def _vivid(colors: list[Color]) -> list[Color]:
    """Colours with saturation times 1.5, because means are paler than their parts."""
    rgb = np.array(colors, float)
    grey = rgb.mean(axis=1, keepdims=True)
    return [tuple(int(value) for value in color) for color in np.clip(grey + 1.5 * (rgb - grey), 0, 255).round()]


def _color(row: pd.Series) -> Color:
    """Mean colour of the ground; without colours, a tint by height with a blue sea."""
    if "red" in row:
        rgb = [row.red, row.green, row.blue]
    elif row.level > 0.5 or row.height < 0:
        rgb = [255 * value for value in SEA]
    else:
        rgb = [255 * value for value in TINTS(float(np.clip(row.height / 3000, 0, 1)))[:3]]
    return tuple(int(round(value)) for value in rgb)
