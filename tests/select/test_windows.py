"""Windows, cells and pieces."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.select.windows import PIECE, Axis, pieces, window_starts

sizes = st.integers(1, 400)


@given(length=sizes, px=sizes, stride=sizes)
def test_windows_fit_and_are_centred(length, px, stride):
    starts = window_starts(length, px, stride)
    assert (len(starts) == 0) == (length < px)
    if len(starts):
        before, after = starts[0], length - (starts[-1] + px)
        assert 0 <= before <= after <= before + 1
        assert (np.diff(starts) == stride).all()
        assert length - len(starts) * stride < px, "one more would fit"


@given(count=st.integers(1, 30), begin=st.integers(0, 9), px=sizes, stride=sizes)
def test_every_window_is_a_whole_run_of_cells(count, begin, px, stride):
    axis = Axis(begin + stride * np.arange(count), px, stride)
    edges, windows = axis.cells()
    assert edges[0] == 0 and edges[-1] == axis.end - axis.begin and (np.diff(edges) > 0).all()
    for start, (first, after) in zip(axis.starts, windows, strict=True):
        assert edges[first] + axis.begin == start
        assert edges[after] + axis.begin == start + px


def test_pieces_hold_each_window_once_and_stay_small():
    rows, cols = window_starts(5000, 256, 128), window_starts(3000, 256, 128)
    seen = []
    for down, across in pieces(rows, cols, 256, 128):
        assert down.end - down.begin <= PIECE and across.end - across.begin <= PIECE
        seen += [(row, col) for row in down.starts for col in across.starts]
    assert sorted(seen) == [(row, col) for row in rows for col in cols]
