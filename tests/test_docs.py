"""YAML in the pages reads as DVC reads it, and parameters shown there are valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tasks.core.settings import ROOT, room_params, validate

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
def test_yaml_blocks_load_and_parameters_are_valid(where, text):
    values = YAML(typ="safe").load(text)
    if isinstance(values, dict) and list(values)[0] == "datasets":
        for dataset, sections in values["datasets"].items():
            for room, section in sections.items():
                validate(room_params(room), section, f"{where}: datasets.{dataset}.{room}")


@pytest.mark.parametrize("page", [*PAGES, ROOT / "params.yaml"], ids=lambda page: page.name)
def test_mappings_in_the_text_load_too(page):
    """DVC's reader refuses `{crs: EPSG:4326}`: a colon inside a flow mapping needs quotes."""
    for text in overrides(page):
        YAML(typ="safe").load(text)
