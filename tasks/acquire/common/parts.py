"""The parts of one file of the web that are on this disk: a sparse file, and a record of what is in it.

`<base>.ranges` holds the parts in their places, and `<base>.ranges.json` what the server says of the whole file and
the SHA-256 of each part. Neither is trusted: a disk that was full, a crash of the machine or a person may have changed
them. A part counts only while its bytes have their hash, and a record only while it has its own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tasks.core.files import write_json

PART = 1 << 19
"""Bytes of one part. Four blocks of 512² pixels, which lie beside each other in a file, are two or three parts."""


@dataclass(frozen=True)
class Whole:
    """What the server says of the whole file; null where it says nothing."""

    etag: str | None = None
    modified: str | None = None
    total: int | None = None  # bytes

    @property
    def validator(self) -> str | None:
        """What says that two answers are of the same file: a strong etag, or else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


@dataclass
class Parts:
    """One file: what is known of the whole of it, and the SHA-256 of each part that is there, by its number.

    `checked` holds the hashes of the parts whose bytes this process has seen to be right.
    """

    base: Path
    checked: dict[int, str]
    whole: Whole = field(default_factory=Whole)
    digests: dict[int, str] = field(default_factory=dict)

    @classmethod
    def on_disk(cls, base: Path, checked: dict[int, str]) -> Parts:
        """What the record says; nothing where there is none, or where it is not as it was written."""
        try:
            record = json.loads(Path(f"{base}.ranges.json").read_text())
            if record.pop("record_sha256") != _digest(record):
                return cls(base, checked)
            digests = {int(number): digest for number, digest in record["parts"].items()}
            return cls(base, checked, Whole(**record["whole"]), digests)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):  # the parts are fetched again
            return cls(base, checked)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """First and last byte of the parts from number `first` to number `last`."""
        end = (last + 1) * PART - 1
        return first * PART, end if self.whole.total is None else min(end, self.whole.total - 1)

    def missing(self, start: int, end: int) -> list[int]:
        """Numbers of the parts between two bytes (`end` among them) that are not there, or not as they came."""
        if self.whole.total is not None:
            end = min(end, self.whole.total - 1)
        return [number for number in range(start // PART, end // PART + 1) if not self._is_there(number)]

    def read(self, start: int, length: int) -> bytes:
        """Bytes of the file; fewer where it ends."""
        with Path(f"{self.base}.ranges").open("rb") as stream:
            stream.seek(start)
            return stream.read(max(0, min(length, (self.whole.total or 0) - start)))

    def keep(self, whole: Whole, start: int, body: bytes, alone: bool) -> None:
        """Write whole parts, the first of which begins at `start`, and then the record of them.

        A kill between the two costs one request.

        Args:
            alone: nothing else of the file counts any more.
        """
        data = Path(f"{self.base}.ranges")
        with data.open("rb+" if data.exists() else "wb") as stream:
            stream.seek(start)
            stream.write(body)
        came = {
            (start + at) // PART: hashlib.sha256(body[at : at + PART]).hexdigest() for at in range(0, len(body), PART)
        }
        self.whole = whole
        self.digests = came if alone else self.digests | came
        self.checked.update(came)
        record: dict[str, Any] = {
            "whole": asdict(whole),
            "parts": {str(number): self.digests[number] for number in sorted(self.digests)},
        }
        write_json(Path(f"{self.base}.ranges.json"), record | {"record_sha256": _digest(record)})

    def forget(self) -> None:
        """Delete all that is there."""
        for name in (".ranges.json", ".ranges"):
            Path(f"{self.base}{name}").unlink(missing_ok=True)
        self.whole, self.digests = Whole(), {}

    def _is_there(self, number: int) -> bool:
        """Whether a part has the bytes that came. Each is hashed once in a process, before it is first used."""
        digest = self.digests.get(number)
        if digest is None or self.checked.get(number) == digest:
            return digest is not None
        try:
            found = hashlib.sha256(self.read(number * PART, PART)).hexdigest()
        except OSError:  # the file is gone or cannot be read: the part is fetched again
            return False
        if found == digest:
            self.checked[number] = digest
        return found == digest


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
