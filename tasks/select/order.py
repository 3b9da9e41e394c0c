"""A random order that depends only on a seed and the names, not on the number or the positions of the items."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np


def ranks(names: Sequence[str], seed: int, purpose: str) -> np.ndarray:
    """A random uint64 for each name. A name keeps its number when others come and go."""
    salt = f"{seed}/{purpose}/".encode()
    digests = b"".join(blake2b(salt + name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, "<u8")


def shuffled(names: Sequence[str], seed: int, purpose: str) -> np.ndarray:
    """Indices of distinct names in their random order."""
    return np.lexsort((np.asarray(names, str), ranks(names, seed, purpose)))
