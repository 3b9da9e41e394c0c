"""Texts that services send: HTML to plain words, language maps to one string, identifiers to file names."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from typing import Any

_HIDDEN = {"style", "script"}
_VOID = {"br", "img", "hr", "wbr", "input", "meta", "link"}
_BREAKS = {"br", "p", "div", "li", "tr", "td", "dd", "dt"}


class _Words(HTMLParser):
    """Collects the text that a browser would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.words.append(" ")
        if tag not in _VOID:
            style = (dict(attrs).get("style") or "").replace(" ", "").lower()
            self._hidden.append(tag in _HIDDEN or "display:none" in style)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self.words.append(" ")
        if tag not in _VOID and self._hidden:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._hidden):
            self.words.append(data)


def plain_text(value: Any) -> str:
    """Words without markup, in one line. Lists are joined with `; `, other values than strings are written out."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "; ".join(text for text in map(plain_text, value) if text)
    parser = _Words()
    parser.feed(str(value))
    parser.close()
    return " ".join("".join(parser.words).split())


def file_stem(text: str, length: int = 80) -> str:
    """A name of letters, digits, `.`, `_` and `-` only, unique to `text`: a hash follows where anything was changed."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-_")[:length]
    if stem == text:
        return stem
    return f"{stem or 'item'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
