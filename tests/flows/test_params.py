"""`make params`: every value with its meaning, and what the dataset chose."""

from __future__ import annotations

import subprocess
import sys

import pytest

from flows.params import WIDTH, rows, shown, table
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT, Strict, read, rooms

DATASETS = list(read()["datasets"])


class Inner(Strict):
    size: int = 3
    """How large, in pixels."""
    names: list[str] = []
    """What they are called."""


class Outer(Strict):
    method: str
    """How."""
    rate: float = 0.5
    """How fast, in units."""
    inner: Inner = Inner()
    """What is inside."""


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_value_is_there_with_its_meaning_and_fits_the_screen(dataset):
    text = table(dataset)
    assert max(map(len, text.splitlines())) <= WIDTH
    for room, model in rooms(read()["datasets"], dataset).items():
        assert f"datasets.{dataset}.{room}\n" in text
        for row in rows(model):
            assert row.meaning, f"{room}.{row.name} has no description below it"


def test_what_is_chosen_and_what_is_a_default():
    found = {row.name: row for row in rows(Outer(method="fast", inner=Inner(size=4)))}
    assert {name: row.state for name, row in found.items() if row.value is not None} == {
        "method": "chosen",
        "rate": "default",
        "inner.size": "chosen",
        "inner.names": "default",
    }
    assert found["inner.size"].meaning == "How large, in pixels. Default: 3."
    assert found["inner"].value is None and found["inner"].meaning == "What is inside."
    assert {row.state for row in rows(Outer(method="fast")) if row.name.startswith("inner.")} == {"default"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (0.001, "0.001"),
        ([1, 2], "[1, 2]"),
        ((0.5, 1.5), "[0.5, 1.5]"),
        ("a", "a"),
        ({"a": 1}, "{a: 1}"),
    ],
)
def test_values_look_as_in_the_file(value, text):
    assert shown(value) == text
    assert isinstance(shown([Inner(size=1)]), str) and shown([Inner(size=1)]) == "[{size: 1}]"


def test_one_stage_alone():
    text = table("terrain", "project")
    assert text.startswith("datasets.terrain.project\n") and "acquire" not in text and "max_upsample" in text


def test_unknown_names_are_told_in_one_line():
    with pytest.raises(LandloomError, match="there is no dataset 'terain'; there are terrain"):
        table("terain")
    with pytest.raises(LandloomError, match="there is no stage 'paint' with parameters; there are acquire"):
        table("terrain", "paint")
    done = subprocess.run([sys.executable, "-m", "flows.params", "terain"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
