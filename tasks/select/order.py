"""An order that a seed and the names decide, and nothing else: not the number of items nor where they stand."""

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
