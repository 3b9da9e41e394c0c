"""A download under way: what is known of the file, and whether an answer continues what is there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from tasks.core.files import write_json


@dataclass(frozen=True)
class Partial:
    """What is known of a download under way."""

    etag: str | None
    modified: str | None
    total: int | None  # bytes of the whole file
    md5: str | None  # base64, as the server stated it for the whole file

    @property
    def validator(self) -> str | None:
        """What proves in If-Range that the rest is of the same file: a strong etag, or else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def resumable(part: Path, note: Path) -> tuple[Partial | None, int]:
    """The part that is there and its length, where a validator proves that it belongs to one file; else (None, 0)."""
    try:
        state, have = Partial(**json.loads(note.read_text())), part.stat().st_size
    except (OSError, ValueError, TypeError):
        return None, 0
    return (state, have) if have and state.validator else (None, 0)


def start(response: httpx.Response, note: Path) -> Partial:
    """What the answer says of the whole file, also written to `note`."""
    length = response.headers.get("content-length", "")
    state = Partial(
        etag=response.headers.get("etag"),
        modified=response.headers.get("last-modified"),
        total=int(length) if length.isdigit() else None,
        md5=response.headers.get("content-md5"),
    )
    write_json(note, asdict(state))
    return state


def continues(response: httpx.Response, have: int, state: Partial | None) -> bool:
    """Whether a 206 begins where the part ends, and is of the same file."""
    unit, _, rest = response.headers.get("content-range", "").partition(" ")
    span, _, total = rest.partition("/")
    first = span.partition("-")[0]
    same = state is not None and response.headers.get("etag", state.etag) == state.etag
    fits = state is not None and (total == "*" or state.total is None or total == str(state.total))
    return unit == "bytes" and first == str(have) and same and fits
