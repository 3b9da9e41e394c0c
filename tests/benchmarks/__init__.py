"""What is measured and not tested: each `bench_*.py` has a `run()` giving rows (what, measured, bar)."""
