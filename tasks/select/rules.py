"""Rules in the order of the parameters. The first rule that a tile fails is the reason why it is dropped."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tasks.select.params import Rule


def apply_rules(tiles: pd.DataFrame, rules: Sequence[Rule]) -> np.ndarray:
    """Reason of each tile, object (n,): None where every rule holds, else text such as `void_share > 0`.

    A null value fails a rule, because the rule cannot be checked.
    """
    reasons = np.full(len(tiles), None, object)
    passing = np.ones(len(tiles), bool)
    for rule in rules:
        values = tiles[rule.column].to_numpy(np.float64)
        failures = [(np.isnan(values), f"{rule.column} is unknown")]
        if rule.min is not None:
            failures.append((values < rule.min, f"{rule.column} < {rule.min:g}"))
        if rule.max is not None:
            failures.append((values > rule.max, f"{rule.column} > {rule.max:g}"))
        for failed, reason in failures:
            reasons[failed & passing] = reason
            passing &= ~failed
    return reasons
