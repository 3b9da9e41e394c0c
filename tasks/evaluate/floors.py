"""Equal samples, floors and intervals: the distance that real tiles have to real tiles.

The distance between finite samples of one distribution is not zero. Most distances shrink as samples grow. The balls
of precision and coverage shrink as well. So every comparison uses one size n: half of the held-out tiles is the
reference, and n rows of another set are compared with it. Floors:

    halves   the other half of the held-out tiles: the distance by chance alone
    train    tiles of the training split: other ground of the same kind; a model that memorised it would score the same

Each set is drawn many times *without* replacement. A bootstrap with replacement would repeat tiles, and repeated
tiles change all these statistics. The mean of a half that is drawn without replacement has the variance of the mean
of the whole sample (Shao & Wu 1989, the delete-half jackknife). So the spread over draws is an interval for the
statistic at size n. All sets are compared with the same references, so draws can be compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tasks.core.errors import LandloomError

LEAST = 8
"""Fewest tiles in a sample. Fifth neighbours in smaller samples mean little."""


def sample_size(val: int, **others: int) -> int:
    """Rows on either side of each comparison: half of the held-out tiles, or the smallest other set if it is smaller.

    Raises:
        LandloomError: too few tiles; the message gives the present and the required number.
    """
    if val < 2 * LEAST:
        raise LandloomError(
            f"evaluate: the val split has {val} whole tiles, and two halves of at least {LEAST} take {2 * LEAST}; "
            "raise select.quota or select.val_share"
        )
    for name, count in others.items():
        if count < LEAST:
            raise LandloomError(f"evaluate: {name} has {count} whole tiles; comparing takes at least {LEAST}")
    return min(val // 2, *others.values())


def resample(
    score: Callable[[np.ndarray, np.ndarray], np.ndarray],
    val: np.ndarray,
    train: np.ndarray,
    paired: dict[str, np.ndarray],
    free: dict[str, np.ndarray],
    count: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Score every set against held-out halves, `count` times.

    Args:
        score: (reference rows, other rows) to float64 (K,).
        val, train: rows of the real splits.
        paired: sets made row by row from `val` (the controls). Their rows come from the half that is not the
            reference, so no tile is compared with its own altered copy.
        free: any other sets (generated).

    Returns:
        (count, K) for `floor_halves`, `floor_train`, each `control_<name>` and each free set, in this order.
    """
    size = sample_size(len(val), train=len(train), **{name: len(rows) for name, rows in free.items()})
    out: dict[str, list[np.ndarray]] = {}
    for draw in range(count):
        order = np.random.default_rng([seed, draw]).permutation(len(val))
        other, reference = order[:size], val[order[size : 2 * size]]
        sets = {"floor_halves": val[other], "floor_train": _subset(train, size, seed, draw)}
        sets |= {f"control_{name}": rows[other] for name, rows in paired.items()}
        sets |= {name: _subset(rows, size, seed, draw) for name, rows in free.items()}
        for name, rows in sets.items():
            out.setdefault(name, []).append(score(reference, rows))
    return {name: np.array(scores) for name, scores in out.items()}


def interval(draws: np.ndarray) -> dict[str, float]:
    """Mean over the draws, and the range that holds 95 % of them."""
    low, high = np.quantile(draws, (0.025, 0.975))
    return {"mean": float(np.mean(draws)), "low": float(low), "high": float(high)}


def _subset(rows: np.ndarray, size: int, seed: int, draw: int) -> np.ndarray:
    """`size` different rows. The choice depends on the set's length and the draw, not on the other sets."""
    return rows[np.random.default_rng([seed, draw, len(rows)]).permutation(len(rows))[:size]]
