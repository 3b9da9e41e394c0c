"""YAML in the pages reads as DVC reads it, and parameters shown there are valid."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.serialize import parse_yaml

from flows.scale import apply_overlay
from tasks.core.settings import ROOT, read, room_params, stage_rooms, validate

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^( *)```yaml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """(page and number, text) of every YAML block, without its indentation."""
    found = []
    for page in PAGES:
        for number, (indent, text) in enumerate(BLOCK.findall(page.read_text()), start=1):
            plain = re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)
            found.append((f"{page.relative_to(ROOT)}, block {number}", plain))
    return found


def overrides(page: Path) -> list[str]:
    """Mappings with a coordinate system inside a line of text, as messages and comments show them."""
    return re.findall(r"\{[^{}]*\bcrs: [^{}]*\}", page.read_text())


@pytest.mark.parametrize(("where", "text"), blocks(), ids=[where for where, _ in blocks()])
def test_yaml_blocks_load_and_parameters_are_valid(where, text, tmp_path):
    """Each block is read by DVC, put into a copy of params.yaml where it belongs, and checked with all rules."""
    values = parse_yaml(text, where)
    if "datasets" not in values:
        values = {"datasets": placed(values, where)} if "compute" not in values else values
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for room in stage_rooms():
        (tmp_path / "tasks" / room).mkdir(parents=True)
        (tmp_path / "tasks" / room / "params.py").touch()
    for dataset, sections in values.get("datasets", {}).items():
        for room, section in sections.items():
            validate(room_params(room), section, f"{where}: datasets.{dataset}.{room}")
    apply_overlay(values, write=True, root=tmp_path)


def placed(values: dict[str, Any], where: str) -> dict[str, Any]:
    """The datasets of a block that shows only a part: sections, a part of train, or edits of label."""
    if "edits" in values:
        return {"atlas": {"label": {"method": {"name": "cluster", **values}}}}
    if "speed" in values:
        return {"terrain": {"train": {"steps": 1, "batch": 1, "lr": 1e-3, "method": {"name": "consistency"}} | values}}
    method = values.get("train", {}).get("method", {}).get("name")
    datasets = read()["datasets"]
    uses = next((name for name in datasets if datasets[name]["train"]["method"]["name"] == method), "aerial")
    assert set(values) <= set(stage_rooms()), f"{where}: say in `placed` where it belongs"
    return {uses: values}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "params.yaml"], ids=lambda page: page.name)
def test_mappings_in_the_text_load_too(page):
    """DVC's reader refuses `{crs: EPSG:4326}`: a colon inside a flow mapping needs quotes."""
    for text in overrides(page):
        parse_yaml(text, page)
