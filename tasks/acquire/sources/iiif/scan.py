"""One scan that a catalogue names, before anything of it is fetched."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scan:
    """An image of an item.

    Attributes:
        key: unique and stable.
        service: address of its image service; null where only a file is published.
        file: address of the published file, where there is no service.
        licence: the rights as the publisher states them. attribution: whom the publisher wants to be named.
        page: address for people. facts: title, date and language where the publisher says so.
        problem: why it cannot be used; null where it can.
    """

    key: str
    licence: str
    attribution: str
    page: str
    service: str | None = None
    file: str | None = None
    facts: dict[str, str | list[str]] = field(default_factory=dict)
    problem: str | None = None
