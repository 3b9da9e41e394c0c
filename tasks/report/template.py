"""Fills the template. Every value is escaped. The page loads no file from other servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).resolve().parent


def render(facts: dict[str, Any]) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,  # always, because names of rasters are not trusted
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "short": short}

    def named(stage: str, names: list[str]) -> list[Any]:
        """The pictures of a stage that have these names, in their order."""
        found = {picture.name: picture for picture in facts["pictures"][stage]}
        return [found[name] for name in names if name in found]

    style = (HERE / "style.css").read_text()
    return environment.get_template("page.html.j2").render(**facts, named=named, style=style)


def number(value: float | int | None) -> str:
    """A whole number, or another number with about three digits; with a true minus sign. None gives an en dash."""
    if value is None:
        return "–"
    size, sign = abs(value), "−" if value < 0 else ""
    if isinstance(value, int):
        return f"{sign}{size:,}"
    if 0 < size < 0.001:
        return f"{sign}{size:.1e}"
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{sign}{size:,.{digits}f}"


def short(digest: str | None) -> str:
    """The first characters of a hash or an id, enough to distinguish two of them."""
    return digest[:10] if digest else "–"
