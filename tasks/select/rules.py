"""Rules in the order of the parameters. The first rule that a tile fails is the reason why it is dropped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tasks.core.errors import LandloomError
from tasks.select.columns import PICTURE
from tasks.select.params import AnyOf, Bound


def apply_rules(tiles: pd.DataFrame, rules: Sequence[Bound | AnyOf]) -> np.ndarray:
    """Reason of each tile, object (n,): None where every rule holds, else text such as `void_share > 0`.

    A null value fails a bound, because the bound cannot be checked. A rule with several bounds drops the tiles that
    fail all of them, with a reason such as `rgb_std < 20 and color_mean_green < 42`.

    Raises:
        LandloomError: a rule is about a statistic of pictures, and the tiles have heights.
    """
    reasons = np.full(len(tiles), None, object)
    for rule in rules:
        bounds = rule.any if isinstance(rule, AnyOf) else [rule]
        failures = [_failures(tiles, bound) for bound in bounds]
        failed = np.all([reason != None for reason in failures], axis=0)  # noqa: E711 - elementwise
        new = np.flatnonzero(failed & (reasons == None))  # noqa: E711 - elementwise
        reasons[new] = [" and ".join(reason[k] for reason in failures) for k in new]
    return reasons


def _failures(tiles: pd.DataFrame, bound: Bound) -> np.ndarray:
    """Why each tile fails a bound, object (n,); None where the bound holds."""
    if bound.column in PICTURE and bound.column not in tiles:
        raise LandloomError(f"select.rules: {bound.column} is measured of pictures only, and these scenes have heights")
    values = tiles[bound.column].to_numpy(np.float64)
    reasons = np.full(len(tiles), None, object)
    if bound.max is not None:
        reasons[values > bound.max] = f"{bound.column} > {bound.max:g}"
    if bound.min is not None:
        reasons[values < bound.min] = f"{bound.column} < {bound.min:g}"
    reasons[np.isnan(values)] = f"{bound.column} is unknown"
    return reasons
