"""Tables that say of single files under which terms they are, and what they show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tasks.acquire.sources.files.params import Params
from tasks.acquire.sources.files.source import FileSource
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tasks.formats.tables.licences import partition_of
from tests.acquire.stage import acquire, params


def folder(root: Path, *names: str) -> Path:
    """Small pictures of these names."""
    for number, name in enumerate(names):
        path = root / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (24, 32, 3), np.uint8)).save(path)
    return root / "in"


def test_single_files_have_terms_and_facts_of_their_own(tmp_path):
    here = folder(tmp_path, "a.png", "deep/b.png", "c.png")
    (here / "list.csv").write_text(
        "\ufefffile,licence,shelf,attribution,date,title\n"
        'b.png,CC-BY-SA-4.0,K 12,"Jakub Ärger, 2011",,Mount Batok\nc.png,,K 13,,1795,\n',
        encoding="utf-8",
    )
    given = params("files", paths=["in"], layers=["color"], licence="CC0-1.0", tables=["in/../in/list.csv"])
    ledger = acquire(tmp_path, given)
    assert list(ledger.index) == ["a.png", "c.png", "deep/b.png"], "the table is no picture"
    assert ledger["licence"].to_dict() == {"a.png": "CC0-1.0", "c.png": "CC0-1.0", "deep/b.png": "CC-BY-SA-4.0"}
    assert ledger["partition"].tolist() == ["open", "open", "share_alike"]
    assert ledger["attribution"].tolist() == ["not stated", "not stated", "Jakub Ärger, 2011"]
    assert json.loads(ledger["facts"]["c.png"]) == {"date": "1795"}
    assert json.loads(ledger["facts"]["deep/b.png"]) == {"title": "Mount Batok"}


def test_the_table_on_the_page_of_the_source_is_read(tmp_path):
    page = (ROOT / "docs/sources/files.md").read_text()
    table, parameters = re.search(r"```csv\n(.*?)```\n\n```yaml\n(.*?)```", page, re.DOTALL).groups()
    source = yaml.safe_load(parameters)["datasets"]["mountains"]["acquire"]["source"]
    (tmp_path / "rasters").mkdir()
    folder(tmp_path, "ridge.jpg", "alps/lake.jpg").rename(tmp_path / "rasters/mountains")
    (tmp_path / source["tables"][0]).write_text(table)
    ledger = acquire(tmp_path, params(source.pop("kind"), **source))
    assert ledger["partition"].to_dict() == {"alps/lake.jpg": "share_alike", "ridge.jpg": "open"}
    assert ledger["attribution"].tolist() == ["Jane Doe, 2019", "not stated"]
    assert json.loads(ledger["facts"]["ridge.jpg"]) == {"title": "The ridge in winter"}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("file,licence\nd.png,CC0\n", "line 2: 'd.png' names no file"),
        ("file,licence\n\nb.png,CC0\n", r"line 3: 'b.png' names 2 files \(deep/b.png, one/b.png\); write more"),
        ("file,licence\na.png,CC0\ndeep/a.png,CC0\n", "line 3: 'deep/a.png' names no file"),
        ("file,licence\na.png,CC0\na.png,CC BY 4.0\n", "line 3: 'a.png' was named before"),
        ("file,licence\na.png,CC BY 4.0, by me\n", "line 2: it has another number of cells"),
        ("file,licence\na.png\n", "line 2: it has another number of cells"),
        ("name,licence\na.png,CC0\n", "needs a header with the column file"),
        ("file,size\na.png,3\n", "needs a header with the column file and any of licence"),
        ("file,license,title\na.png,CC0,one\n", "the column 'license' must be called licence"),
        ("file,licence,Author\na.png,CC0,me\n", "the column 'Author' must be called attribution"),
        ("", "needs a header"),
        ('file,licence\na.png,"CC0\n', "no CSV in UTF-8"),
        ("file,licence\na.png,\udce9\n", "no CSV in UTF-8"),
    ],
)
def test_a_table_that_says_nothing_certain_is_told_by_line(tmp_path, table, told):
    here = folder(tmp_path, "a.png", "one/b.png", "deep/b.png")
    (here / "list.csv").write_bytes(table.encode("utf-8", "surrogateescape"))
    with pytest.raises(LandloomError, match=told):
        acquire(tmp_path, params("files", paths=["in"], layers=["color"], tables=["in/list.csv"]))


def test_real_pictures_have_the_terms_that_their_lists_state(realdata):
    photos = realdata / "photos"
    tables = [str(photos / f"{name}_DERIVED.csv") for name in ("gutenberg", "distros")]
    source = FileSource(Params(kind="files", paths=[str(photos)], layers=["color"], tables=tables), Path("/"))
    found = {item.key: item for item in source.items()}
    assert partition_of(found["distros_DERIVED/solus_mount-batok.jpg"].licence) == "share_alike"
    assert found["distros_DERIVED/solus_mount-batok.jpg"].attribution == "Jakub Halun"
    assert partition_of(found["gutenberg_DERIVED/guardians_001.jpg"].licence) == "open"
    assert partition_of(found["umate_johann-siemens-591.jpg"].licence) == "unknown", "no table names it"
