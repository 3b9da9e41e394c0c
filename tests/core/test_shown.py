"""The numbers that stages name for DVC fit its tables: one column for each name of all stages, in 160 characters."""

from __future__ import annotations

import ast

import pytest
from dvc.compare import show_metrics

from tasks.core.dag import stage_entry, stage_names
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute, Strict, read
from tasks.core.stage import Stage

WIDTH = 160
FIGURES = {"loss": 18.94013, "headline": 2.79734, "headline_floor": 0.52709}  # as in the demo; others are counts

OTHERS = {"texts_by_model"}
"""Names that no method of the demo records. Captions of a language model make the table 18 characters wider."""


def shown(room: str) -> set[str]:
    """The names of a stage in DVC's tables: the first ones of `shown` in its calls, read from its sources."""
    found: set[str] = set()
    for path in (ROOT / "tasks" / room).rglob("*.py"):
        tree = ast.parse(path.read_text())
        set_once = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        named = {node.targets[0].id: node.value for node in set_once if isinstance(node.targets[0], ast.Name)}
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            words = {word.arg: word.value for word in call.keywords}
            if "shown" in words:
                value = words["shown"]
                value = named[value.id] if isinstance(value, ast.Name) else value
                count = ast.literal_eval(words["columns"]) if "columns" in words else 1
                found |= {ast.literal_eval(name) for name in value.elts[:count]}
    return found


def measured() -> list[str]:
    return [
        name for name in stage_names(ROOT) if f"/metrics/{name}.json" in str(stage_entry(name, "terrain", ROOT).outs)
    ]


@pytest.mark.parametrize("room", measured())
def test_a_stage_with_metrics_names_one_or_two(room):
    assert 1 <= len(shown(room)) <= 2


def test_the_table_of_all_stages_and_datasets_fits_a_terminal(capsys):
    values = {
        f"data/{dataset}/metrics/{room}.json": {
            "data": {name: FIGURES.get(name, 123456) for name in sorted(shown(room) - OTHERS)}
        }
        for room in measured()
        for dataset in read()["datasets"]
    }
    show_metrics({"workspace": {"data": values}}, precision=5, round_digits=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(values) + 1 and max(map(len, lines)) <= WIDTH


def test_the_file_holds_the_shown_numbers_and_the_run_all(tmp_path):
    entry = stage_entry("caption", "terrain", ROOT)
    for out in entry.outs:
        (tmp_path / out).parent.mkdir(parents=True, exist_ok=True)
    for out in ("captions.parquet", "runs/caption.json"):
        (tmp_path / "data/terrain" / out).touch()
    stage = Stage(entry, Strict(), 1, Compute(), Run(), tmp_path)
    stage.metrics({"captions": 3, "words_mean": 7.5}, shown=("captions", "words_mean", "seconds"))
    stage.metrics({"loss": 1.0}, step=4)
    stage.metrics({"captions": 3}, shown=("absent", "captions"))
    stage.finish()
    assert stage.shown == ["captions", "words_mean", "seconds", "absent"]
    assert (tmp_path / "data/terrain/metrics/caption.json").read_text().split() == ["{", '"captions":', "3", "}"]
    assert stage.figures == {"captions": 3, "words_mean": 7.5}
    assert list((tmp_path / "data/terrain/pictures/caption").iterdir()), "DVC would warn of an empty folder"


@pytest.mark.parametrize("above", ["pictures", "plots/metrics"])
def test_a_checkout_below_a_folder_with_the_name_of_an_output_is_like_any_other(tmp_path, above):
    root = tmp_path / above / "landloom"
    entry = stage_entry("shard", "terrain", ROOT)
    for out in entry.outs:
        (root / out).parent.mkdir(parents=True, exist_ok=True)
        (root / out).write_text(out)  # a file where the stage may write a folder
    stage = Stage(entry, Strict(), 1, Compute(), Run(), root)
    assert set(stage.finish()) == set(entry.outs) - {"data/terrain/runs/shard.json"}
    assert (root / "data/terrain/shards").read_text() == "data/terrain/shards"
