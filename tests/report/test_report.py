"""The page stands alone, escapes what others wrote, says what the numbers say, and is the same every time."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

import tasks.report.where
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.generate.image.product import GeneratedImage
from tasks.generate.write_sample import write_sample
from tasks.report.figures import caption, choose
from tasks.report.scores import read_scores
from tasks.report.template import number
from tasks.report.where import where
from tasks.runs.links import local_page
from tests.generate.toys import params
from tests.report.toy import CARD, EVIL, account, grow, report, write


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return grow(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def html(data) -> str:
    return report(data)


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_the_page_needs_nothing_but_its_own_folder(data, page):
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    used = [value for _, names in page.tags for name in ("src", "href") if (value := names.get(name))]
    assert len(used) > 40
    ids = {names["id"] for _, names in page.tags if "id" in names}
    for path in used:
        if path.startswith("#"):
            assert path[1:] in ids
        elif not path.startswith(local_page("")):  # nothing is loaded from there: a person follows the link
            assert (data / "report" / path).is_file(), path
    assert page.open == []  # every element is closed


def test_every_picture_has_words_and_a_size(page):
    images = [names for tag, names in page.tags if tag == "img"]
    assert len(images) > 12
    assert all(names["alt"] and int(names["width"]) and int(names["height"]) for names in images)


def test_names_of_others_are_escaped_wherever_they_stand(html, page):
    assert "<script" not in html and "<usable>" not in html and "<over>" not in html and "<i>" not in html
    for text in (EVIL, "no <usable> CRS", "CC-BY <b>4.0</b>", "Survey & Sons", "<i>params</i>", "A <toy> & more"):
        assert text in page.text


def test_the_same_facts_give_the_same_bytes(data, html):
    before = dvc_md5(data / "report")
    assert report(data) == html
    assert dvc_md5(data / "report") == before


def test_sources_and_refusals_are_all_told(page):
    for text in ("Survey & Sons", "sea.tif", "torn.tif", "all void", "computed", "relief < 2"):
        assert text in page.text
    assert "25 % of the tiles are procedural" in page.text


def test_lineage_names_runs_and_hashes(html, page):
    assert f"{1:032x}" in page.text and "with uncommitted changes" in page.text and "version 3" in page.text
    assert 'title="22222222222222222222222222222222.dir"' in html
    assert page.text.count("not compared with dvc.lock") == 1
    assert "tasks/core/stage.py" not in page.text and "data/toy/pictures" not in page.text


def test_of_a_long_series_the_first_the_last_and_four_between_are_shown(page):
    shown = [names["src"] for tag, names in page.tags if tag == "img" and "train/step" in names["src"]]
    assert shown[0].endswith("000100.png") and shown[-1].endswith("001200.png") and len(shown) == 6


def test_samples_link_to_their_files_beside_the_page(data, page):
    links = [names["href"] for tag, names in page.tags if tag == "a" and names["href"].startswith("samples/")]
    assert "samples/toy_000.tif" in links and "samples/toy_011.heightmap.r16" in links
    assert {f"samples/toy_003.{ending}" for ending in ("glb", "obj", "mtl", "stl")} <= set(links)
    assert "samples/toy_000.glb" not in links
    assert "12 of 14" in page.text
    copied, original = data / "report/samples/toy_003.tif", data / "samples/toy_003.tif"
    assert copied.read_bytes() == original.read_bytes()


def test_large_files_are_linked_where_they_lie(data, monkeypatch):
    monkeypatch.setattr("tasks.report.sample_cards.LARGE", 1000)
    page = Page(report(data))
    links = {names["href"] for tag, names in page.tags if tag == "a"}
    assert "../samples/toy_003.obj" in links and not (data / "report/samples/toy_003.obj").exists()
    assert "Files of more than 8 MB" in page.text
    monkeypatch.undo()
    report(data)


def test_a_run_store_that_was_away_and_no_captions(tmp_path):
    page = Page(report(grow(tmp_path, captions=False, away=True)))
    assert "the run store was away" in page.text and "not recorded" in page.text
    assert "captions" not in {names.get("id") for _, names in page.tags}


@pytest.mark.parametrize("classes", [(), ("sea", "forest")])
def test_classes_are_spoken_of_only_where_there_are_some(tmp_path, classes):
    page = report(grow(tmp_path, classes=classes))
    assert ("one of 2 classes" in page) == bool(classes) and "one of 0" not in page


def test_a_missing_input_is_told_by_name_and_nothing_half_written(tmp_path):
    data = grow(tmp_path)
    (data / "evaluation/metrics.json").unlink()
    with pytest.raises(LandloomError, match="evaluation/metrics.json: missing"):
        report(data)
    assert not (data / "report").exists()


def test_the_account_of_evaluate_is_all_told_and_no_metric_is_known_by_name(page):
    for text in ("sliced <Wasserstein>", "smaller is closer", "larger is better", "set <steps2>", "It beats <noise>."):
        assert text in page.text
    for text in ("cannot tell <blur> from real terrain", "FID: left out.", "2 samples look like", "copies <found>"):
        assert text in page.text
    assert "Nothing" not in page.text  # a group without anything in it
    assert "relief <class>" in page.text and "72 %" in page.text and "told in the table" not in page.text
    captions = [names["alt"] for tag, names in page.tags if tag == "img"]
    assert captions.count("Pairs.") == captions.count("Shorter is closer.") == 1
    scores = read_scores(account())
    assert [row.name for row in scores.rows][-1] == "set <steps2>" and scores.rows[0].cells[0]["value"] == 0.05
    assert scores.groups[0].pictures == ["nearest_steps1"] and scores.pictures == ["distances"]


def test_pictures_without_heights_or_gsd_have_no_metres(tmp_path):
    data = grow(tmp_path)
    for path in (data / "samples").glob("*"):
        path.unlink()
    picture = GeneratedImage("toy_000", np.zeros((8, 8, 3), np.uint8), {"seed": 7, "index": 0, "steps": 1})
    write_sample(data / "samples", picture, params(exports=[]))
    samples = {"product": "image", "title": "Generated pictures", "noun": "pictures", "notes": [], "pictures": []}
    write(data / "samples/index.json", samples | {"samples": ["toy_000"]})
    write(data / "shards/card.json", {**CARD, "gsd": None, "heights": None})
    page = Page(report(data))
    assert "Generated pictures" in page.text and "8 × 8 pixels; seed 7, 1 step" in page.text
    assert not re.search(r"\bm a pixel|\bkm\b|metres|terrains", page.text)


def test_words_for_pictures():
    assert caption("train", "step-00000300") == ("Real tiles beside samples after 300 steps.", 300)
    assert caption("train", "fakes_00200") == ("Fakes at step 200.", 200)
    assert caption("select", "something_new") == ("Something new.", None)
    assert choose([Path("a.png"), Path("b_1.png")]) == [Path("a.png"), Path("b_1.png")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (12345, "12,345"),
        (0.0, "0.000"),
        (0.12345, "0.123"),
        (1234.5, "1,234"),
        (0.00001, "1.0e-05"),
        (-4.9876, "−4.99"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_where_names_the_reports_that_exist_and_the_first_change(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks.report.where, "read", lambda _: {"datasets": {"terrain": {}, "maps": {}}})
    monkeypatch.setattr(tasks.report.where, "rooms", lambda *_: {"generate": SimpleNamespace(seed=7)})
    assert "none yet" in where(tmp_path)
    (tmp_path / "data/terrain/report").mkdir(parents=True)
    (tmp_path / "data/terrain/report/index.html").write_text("")
    said = where(tmp_path)
    assert (tmp_path / "data/terrain/report/index.html").as_uri() in said
    assert "make ui" in said and "datasets.terrain.generate.seed: 7 → 8" in said and "maps" not in said


def test_the_page_reads_what_the_stages_are_told_to_write():
    """Every folder and file the report opens is a dependency of its stage, so that no edit leaves it stale."""
    deps = yaml.safe_load((Path(__file__).parents[2] / "dvc.yaml").read_text())["stages"]["report"]["do"]["deps"]
    used = ["raw", "sources.parquet", "tiles.parquet", "captions.parquet", "samples", "evaluation", "shards"]
    used += ["lineage.json"]
    used += [f"pictures/{name}" for name in ("project", "select", "label", "caption", "train", "evaluate", "generate")]
    assert {f"data/${{key}}/{name}" for name in used} <= set(deps)
