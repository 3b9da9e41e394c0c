"""Names and numbers in `params.yaml` mean what a person reads, for us and for DVC alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tasks.core import yaml12
from tasks.core.dag import stage_entry
from tasks.core.errors import LandloomError
from tasks.core.settings import PARAMS, ROOT, load, read


def renamed(folder: Path, *names: str) -> Path:
    """The real parameters with `terrain` under other names, written as they stand."""
    text = (ROOT / PARAMS).read_text()
    section = text[text.index("  terrain:") : text.index("  atlas:")]
    written = "".join(section.replace("  terrain:", f"  {name}:", 1) for name in names)
    (folder / PARAMS).write_text(text[: text.index("  terrain:")] + written)
    for room in (path.parent.name for path in (ROOT / "tasks").glob("*/params.py")):
        (folder / "tasks" / room).mkdir(parents=True)
        (folder / "tasks" / room / "params.py").touch()
    (folder / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    return folder


@pytest.mark.parametrize("name", ["no", "on", "Yes", "off", "n", "'true'", '"null"', "_x1"])
def test_words_that_yaml_1_1_reads_otherwise_are_names(name, tmp_path):
    from dvc.utils.serialize import parse_yaml

    root, word = renamed(tmp_path, name), name.strip("'\"")
    assert list(load(root).datasets) == [word]
    assert list(parse_yaml((root / PARAMS).read_text(), PARAMS)["datasets"]) == [word], "and DVC reads the same"
    assert stage_entry("train", word, root).params == ("seed", f"datasets.{word}.train")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("true", r"datasets\.true: YAML reads this name as True"),
        ("1e3", r"datasets\.1e3: YAML reads this name as 1000\.0"),
        ("007", r"datasets\.007: YAML reads this name as 7"),
        ("~", r"datasets\.~: YAML reads this name as None"),
        ("'1e3'", r"datasets\.1e3: a dataset's name begins with a letter"),
        ("2026-11-27", r"datasets\.2026-11-27: a dataset's name begins with a letter"),
        ("Öre", r"datasets\.Öre: .* letters without accents"),
        ("a b", "begins with a letter"),
        ("'..'", "begins with a letter"),
        ("-rf", "begins with a letter"),
        ("a.b", "begins with a letter"),
        ("x" * 65, "at most 64"),
    ],
)
def test_a_name_that_is_read_otherwise_is_refused_in_one_line(name, reason, tmp_path):
    with pytest.raises(LandloomError, match=rf"^params\.yaml: .*{reason}") as told:
        read(renamed(tmp_path, name))
    assert "\n" not in str(told.value)


def test_two_names_that_are_one_folder_on_some_disks_are_refused(tmp_path):
    with pytest.raises(LandloomError, match="datasets.alps: Alps is the same folder on some disks"):
        read(renamed(tmp_path, "Alps", "alps"))


def test_a_value_that_is_no_word_to_yaml_says_to_quote_it(tmp_path):
    root = renamed(tmp_path, "terrain")
    text = (root / PARAMS).read_text()
    (root / PARAMS).write_text(text.replace("title: Terrain", "title: 2024"))
    with pytest.raises(LandloomError, match=r"report\.title: .*\(got 2024\); .* put it in quotes"):
        load(root)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("012", 12), ("0o14", 12), ("0x1F", 31), ("-7", -7), ("1_000", 1000), ("1:30", "1:30"), ("1e-3", 0.001),
        ("1.5", 1.5), (".5", 0.5), ("6.", 6.0), ("yes", "yes"), ("true", True), ("~", None), ("", None),
        ("N46E008", "N46E008"),
        ("[1, 2]", [1, 2]), ("2026-11-27", "2026-11-27"), ("'12'", "12"), ("-", [None]),
    ],
)  # fmt: skip
def test_scalars_are_read_as_dvc_reads_them(written, value):
    from dvc.utils.serialize import parse_yaml

    assert yaml12.load(f"x: {written}" if written != "-" else "x:\n- ")["x"] == value
    if written != "2026-11-27":  # a date to DVC; no parameter of ours is one
        assert parse_yaml(f"x: {written}" if written != "-" else "x:\n- ", "x")["x"] == value


def test_the_real_files_are_read_as_before():
    for name in (PARAMS, "dvc.yaml"):
        assert yaml12.load((ROOT / name).read_text()) == yaml.safe_load((ROOT / name).read_text())
