"""Colours of classes: near the colours of the ground, and distinct enough for a drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

APART = 48  # least difference in the channel that differs most: drawings need 40, and paint programs round
Color = tuple[int, int, int]
_LATTICE = np.stack(np.meshgrid(*[np.arange(8, 256, 16)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


def spread(wanted: Sequence[Color], fixed: Sequence[bool]) -> list[Color]:
    """The wanted colours. A colour too near to an earlier one is moved to the nearest free colour.

    Args:
        fixed: colours that a person chose; they do not move.

    Raises:
        ValueError: two fixed colours are nearer than 40.
    """
    result: list[Color | None] = [tuple(color) if keep else None for color, keep in zip(wanted, fixed, strict=True)]
    for one, color in enumerate(result):
        for other in range(one):
            if color and result[other] and distance(color, result[other]) < 40:
                raise ValueError(f"{list(result[other])} and {list(color)} are nearer than 40 in every channel")
    for index, color in enumerate(wanted):
        if result[index] is not None:
            continue
        taken = np.array([other for other in result if other is not None]).reshape(-1, 3)
        options = np.concatenate([[color], _LATTICE[np.argsort(_cost(_LATTICE - np.array(color)), kind="stable")]])
        room = np.abs(options[:, None, :] - taken[None]).max(axis=2, initial=0)
        free = (room >= APART).all(axis=1) if len(taken) else np.ones(len(options), bool)
        result[index] = tuple(int(value) for value in options[int(np.argmax(free))])
    return result  # type: ignore[return-value]  # none is None any more


def _cost(change: np.ndarray) -> np.ndarray:
    """Cost of a change of colour (n, 3): a change of hue costs four times as much as a change of lightness."""
    lighter = change.mean(axis=1, keepdims=True)
    return (lighter**2).sum(axis=1) * 3 + 4 * ((change - lighter) ** 2).sum(axis=1)


def distance(one: Sequence[int], other: Sequence[int]) -> int:
    """Largest difference of a channel."""
    return max(abs(int(a) - int(b)) for a, b in zip(one, other, strict=True))
