"""What a source is: it names candidate rasters, and puts each of them into a folder on request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tasks.acquire.common.declared.beside import Beside
from tasks.acquire.common.fields import Override


class Refusal(Exception):
    """Why one raster is left out. The ledger records it under the raster's key, and the run continues."""


class Absent(Refusal):
    """The server says that there is no such file."""


class Unreadable(Refusal):
    """The bytes themselves are bad, so the next run fetches them again."""


@dataclass(frozen=True)
class Delivery:
    """What the publisher states about the bytes. `forget` drops bad bytes from the byte cache."""

    etag: str | None = None
    modified: str | None = None
    sha256: str | None = None  # where it is known already
    forget: Callable[[], None] = lambda: None


def _as_it_says() -> Override:
    return Override()


@dataclass(frozen=True)
class Candidate:
    """One raster that a source could supply.

    Attributes:
        key: unique and stable; names the raster in the ledger and in every message.
        name: path of the raster's file below `raw/`.
        deliver: puts the file under a given folder as `name`, with whatever must lie beside it; raises
            `Refusal` where this raster cannot be had, `LandloomError` where the whole run must stop.
        layers: what it may be used for; anything else in it is refused.
        override: what a person knows of it and stands in no file; it wins over the file.
        beside: what a catalogue states of its heights; it must agree with the file.
        facts: what the publisher says of it, for captions: `title`, `date`, `language` and the like; never guessed.
    """

    key: str
    name: str
    source: str
    licence: str
    attribution: str
    deliver: Callable[[Path], Delivery]
    layers: tuple[str, ...] = ("height",)
    url: str | None = None
    procedural: bool = False
    override: Override = field(default_factory=_as_it_says)
    beside: Beside = field(default_factory=Beside)
    facts: dict[str, str | list[str]] = field(default_factory=dict)


class Source(Protocol):
    """What `open_source(params, area, context)` of a source folder returns."""

    def items(self) -> Iterator[Candidate]:
        """Every candidate in the area, in a stable order; `LandloomError` where the source cannot be asked."""
        ...
