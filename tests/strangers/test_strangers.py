"""Strangers move in: a method for RGB pictures, a source and an export, each its own folder or file and nothing else.

The pictures have no CRS, no ground sampling distance and no heights, and the pipeline runs from acquire to report.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tasks.core.dag import stage_names
from tasks.core.settings import ROOT
from tasks.runs.figures import recorded
from tasks.runs.links import local_page
from tests.pipeline.conftest import Clone

HERE = Path(__file__).parent
FOLDERS = ("models/toy/", "tasks/acquire/sources/drawn/", "tasks/generate/exports/ppm.py")
DATASET = {
    "acquire": {"source": {"kind": "drawn", "pictures": 60}},
    "project": {"method": "none", "scene_px": 64},
    "select": {"px": 32, "stride": 32, "quota": 400, "duplicate_bits": None},
    "label": {"method": {"name": "none"}},
    "caption": {"method": {"name": "none"}},
    "shard": {"px": 32},
    "train": {
        **{"steps": 80, "batch": 32, "lr": 0.03, "warmup": 4, "ema_half_life": 5.0, "log_every": 10},
        **{"checkpoint_every": 40, "picture_every": 40, "threads": 1, "method": {"name": "toy"}},
    },
    "evaluate": {"samples": 32, "tiles": 100, "projections": 16, "bootstrap": 4, "network": "random"},
    "generate": {"count": 3, "exports": ["ppm"], "settings": {"ppm": {"comment": "an evening"}}},
    "register": {"model": "toys"},
    "report": {"title": "Evenings"},
}


class Links(HTMLParser):
    """Text and links of a page."""

    def __init__(self, html: str):
        super().__init__()
        self.text, self.links = "", []
        self.feed(html)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("href", "src")]


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Clone:
    """A clone of the working tree into which the strangers moved; the pipeline has run on their dataset."""
    clone = Clone(tmp_path_factory.mktemp("strangers") / "repo")
    for package in ("models", "tasks"):
        shutil.copytree(
            HERE / package, clone.root / package, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.pyc")
        )
    path = clone.root / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["datasets"]["toys"] = DATASET
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    clone.touched = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=clone.root, check=True, capture_output=True, text=True
    ).stdout
    first, *rest = stage_names(ROOT)
    clone.repro("--single-item", f"{first}@toys")
    clone.in_one_process("toys", *rest)
    return clone


def test_they_touch_nothing_but_their_own_places_and_the_parameters(clone):
    paths = [line[3:] for line in clone.touched.splitlines()]
    assert paths and all(path == "params.yaml" or path.startswith(FOLDERS) for path in paths)
    kept = [
        "git",
        "grep",
        "-lE",
        r"models\.toy|sources\.drawn|exports\.ppm",
        "--",
        "dvc.yaml",
        "tasks",
        "models",
        "flows",
    ]
    assert subprocess.run(kept, cwd=clone.root, capture_output=True, text=True).stdout == ""


def test_the_pipeline_runs_from_acquire_to_report(clone):
    runs = [json.loads((clone.root / f"data/toys/runs/{name}.json").read_text()) for name in stage_names(ROOT)]
    assert all(run["run_id"] for run in runs)
    assert clone.repro("report@toys") == [], "DVC finds every stage as it ran"
    data = clone.root / "data/toys"
    card = json.loads((data / "shards/card.json").read_text())
    assert card["gsd"] is None and card["heights"] is None and card["counts"]["val"] >= 16


def test_the_method_learns(clone):
    table = clone.root / "data/toys/plots/train/toy/loss.tsv"
    losses = [float(line.split("\t")[1]) for line in table.read_text().splitlines()[1:]]
    assert losses[-1] < 0.7 * losses[0]


def test_the_evaluation_describes_itself_without_heights(clone):
    account = json.loads((clone.root / "data/toys/evaluation/metrics.json").read_text())
    assert account["product"] == "image" and account["headline"] == "swd/steps1" and account["gsd"] is None
    headline = next(metric for metric in account["metrics"] if metric["name"] == account["headline"])
    assert headline["low"] <= headline["value"] <= headline["high"] and headline["floor"] > 0
    flat = recorded(clone.root, "toys", "evaluate")
    assert flat["headline"] == headline["value"] == flat["swd/steps1"]
    told = json.dumps({name: part for name, part in account.items() if name != "details"})
    assert "metre" not in told and "terrain" not in told


def test_the_export_is_written_and_linked(clone):
    samples = clone.root / "data/toys/samples"
    index = json.loads((samples / "index.json").read_text())
    assert index["samples"] == ["toys_000", "toys_001", "toys_002"] and index["product"] == "image"
    sidecar = json.loads((samples / "toys_001.json").read_text())
    assert sidecar["files"]["ppm"]["title"] == "portable pixmap" and sidecar["ppm"] == {"comment": "an evening"}
    assert not {"gsd_m", "height", "side_m", "scale"} & set(sidecar)
    with Image.open(samples / "toys_001.ppm") as ppm, Image.open(samples / "toys_001.png") as png:
        assert np.array_equal(np.asarray(ppm), np.asarray(png))


def test_the_report_shows_what_there_is_and_nothing_that_there_is_not(clone):
    folder = clone.root / "data/toys/report"
    page = Links((folder / "index.html").read_text())
    for text in ("Evenings", "Generated pictures", "The PPM is for old programs.", "Nobody: drawn by numpy", "no FID"):
        assert text in page.text
    assert "samples/toys_002.ppm" in page.links
    assert all((folder / link).exists() for link in page.links if not link.startswith(("#", local_page(""))))
    # The parameters of every stage stand at the end, and name metres whatever the data.
    told = page.text[: page.text.index("As each run above was given them")]
    assert not re.search(r"\bterrains?\b|\bmetres?\b|\bm a pixel\b", told)
