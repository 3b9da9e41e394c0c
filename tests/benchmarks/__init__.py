"""Benchmarks: what is measured, and never by the tests."""

import tasks  # noqa: F401 - fixes the arithmetic, so it comes before whatever loads numpy
