"""Answers that are not what was asked for: block pages, captchas and error documents, which must not be stored."""

from __future__ import annotations

import html
import mmap
import re
from pathlib import Path

_PAGE = (b"<!doctype html", b"<html", b"<head", b"<body")
_XML = (b"<?xml", b"<error", b"<serviceexception", b"<ows:exception")
_TAIL = 4096  # bytes at the end of a picture in which its end mark must stand; some writers append notes


def stray(head: bytes, content_type: str, wanted: str = "data") -> str | None:
    """What came instead of the file, in words; None where the bytes may be it.

    Args:
        head: the first bytes of the body. content_type: of the answer, possibly empty.
        wanted: `data` (a raster, a picture, an archive) or `json`.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    lower = start[:32].lower()
    if lower.startswith(_PAGE) or (content_type.startswith("text/html") and lower.startswith(b"<")):
        return f"a web page{_title(head)}"
    if wanted == "json":
        return None
    if lower.startswith(_XML):
        return f"an XML document ({_words(start)})"
    if re.match(rb'\{\s*"', start) and not content_type.startswith("image/") and _is_text(start):
        return f"a JSON document ({_words(start)})"
    return None


def torn(path: Path) -> str | None:
    """Why a picture or an archive ends too early: it lacks the end mark of its format. None where it may be whole."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(16)
        stream.seek(max(0, size - 65_600))
        tail = stream.read()
    last = tail[-_TAIL:]
    whole = True
    if head.startswith(b"\xff\xd8\xff"):
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            # The end mark follows the last scan. Neither mark can stand inside a scan, and notes may follow the end.
            whole = data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    elif head.startswith(b"\x89PNG\r\n\x1a\n"):
        whole = b"IEND\xaeB`\x82" in last
    elif head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        whole = size >= 8 + int.from_bytes(head[4:8], "little")
    elif head.startswith(b"GIF8"):
        whole = last.rstrip(b"\0").endswith(b";")
    elif head.startswith(b"PK\x03\x04"):
        whole = b"PK\x05\x06" in tail
    return None if whole else f"ends after {size} bytes, before the end mark of its format"


def _title(page: bytes) -> str:
    found = re.search(rb"<title[^>]*>(.*?)</title>", page, re.IGNORECASE | re.DOTALL)
    return f" with the title “{_words(found[1])}”" if found else ""


def _words(text: bytes) -> str:
    return html.unescape(" ".join(text.decode("utf-8", "replace").split()))[:160]


def _is_text(start: bytes) -> bool:
    return not any(byte < 9 for byte in start[:512])
