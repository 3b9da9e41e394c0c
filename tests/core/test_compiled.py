"""Compiled functions: cached on disk where that is possible, and working where it is not."""

from __future__ import annotations

from tasks.core.compiled import cached
from tasks.relief.drainage import accumulate


def test_a_function_without_a_place_for_its_cache_still_compiles():
    names: dict = {}
    exec("def double(x):\n    return 2 * x", names)  # code that lies in no file, so numba finds no folder for its cache
    assert cached()(names["double"])(21) == 42


def test_a_function_of_a_module_is_cached():
    assert type(accumulate._cache).__name__ == "FunctionCache"
