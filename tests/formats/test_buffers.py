"""Buffers are reused only after the last reference is gone."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tasks.formats.shards.buffers import Buffers


def place(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_unreferenced_memory_is_reused():
    buffers = Buffers()
    first = place(buffers.empty((4, 8), "<f4"))
    assert place(buffers.empty((2, 16), "<f4")) == first


def test_a_view_or_a_tensor_keeps_its_memory():
    buffers = Buffers()
    for hold in (
        lambda array: array[1:, ::2].T,
        lambda array: torch.from_numpy(array)[2],
        lambda array: array.view(np.uint8).reshape(-1)[3:9],
        lambda array: memoryview(array),
    ):
        array = buffers.empty((4, 8), "<f4")
        first, held = place(array), hold(array)
        del array
        assert place(buffers.empty((4, 8), "<f4")) != first
        del held


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
def test_living_arrays_never_share_memory(steps):
    buffers, living = Buffers(), []
    for number, (size, let_go) in enumerate(steps):
        array = buffers.empty((size, 50), "<i4")
        array[...] = number
        living.append((number, array))
        if let_go:
            living.pop(len(living) // 2)
        del array
        assert all((held == mark).all() for mark, held in living)
