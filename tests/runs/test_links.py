"""A run that arrives late is named in the row of its stage, and in no other row."""

from __future__ import annotations

from tasks.runs.links import run_link, run_row, with_run


def test_the_row_of_an_absent_run_is_found_again():
    rows = [f"{run_row('train@terrain', None, known)} a | b |" for known in (None, "0123456789abcdef")]
    others = [f"{run_row('evaluate@terrain', None, None)} a | b |", f"{run_row('label@terrain', 'fedcba98', None)} a |"]
    description = "\n".join([*rows, *others, "is not in MLflow"])
    named = with_run(description, "train@terrain", "76543210ff").splitlines()
    assert named[:2] == [f"| train@terrain | {run_link('76543210ff')} | a | b |"] * 2
    assert named[2:] == [*others, "is not in MLflow"]
