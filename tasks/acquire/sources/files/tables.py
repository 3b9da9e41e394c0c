"""Tables that lie beside files: licence, attribution, title and date of single files."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from tasks.core.errors import LandloomError

_TERMS = ("licence", "attribution")
_FACTS = ("title", "date", "language", "script")
_MEANT = {"license": "licence", "rights": "licence"} | dict.fromkeys(("author", "creator", "credit"), "attribution")
"""Names of columns in other tables, which would otherwise be left alone and lose what they say."""


class Said(NamedTuple):
    """What a table says of one file. An empty cell says nothing."""

    licence: str | None = None
    attribution: str | None = None
    facts: dict[str, str] = {}  # noqa: RUF012


def read_tables(paths: Collection[Path], keys: Collection[str]) -> dict[str, Said]:
    """What the tables say, by the key of the file.

    Args:
        paths: CSV files in UTF-8 with a header: `file` (a key, or the end of one from a slash on) and any of
            `licence`, `attribution`, `title`, `date`, `language` and `script`. Other columns are left alone.
        keys: of all files that were found.

    Raises:
        LandloomError: a table cannot be read, lacks a column, or names no file, several files, or one file twice.
    """
    ends: dict[str, list[str]] = {}
    for key in keys:
        parts = key.split("/")
        for start in range(len(parts)):
            ends.setdefault("/".join(parts[start:]), []).append(key)
    said: dict[str, Said] = {}
    for path in paths:
        for line, row in _rows(path):
            name = row["file"].strip()
            found = [name] if name in keys else ends.get(name, [])
            if len(found) != 1:
                many = f"{len(found)} files ({', '.join(found[:2])}); write more of the path" if found else "no file"
                raise LandloomError(f"source.tables: {path}, line {line}: {name!r} names {many}")
            if found[0] in said:
                raise LandloomError(f"source.tables: {path}, line {line}: {name!r} was named before; keep one row")
            cell = {column: " ".join((row.get(column) or "").split()) for column in (*_TERMS, *_FACTS)}
            terms = [cell[column] or None for column in _TERMS]
            said[found[0]] = Said(*terms, {column: cell[column] for column in _FACTS if cell[column]})
    return said


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Rows with the number of their line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = set(reader.fieldnames or ())
            if "file" not in columns or not columns.intersection(_TERMS + _FACTS):
                raise LandloomError(
                    f"source.tables: {path} needs a header with the column file and any of {', '.join(_TERMS + _FACTS)}"
                )
            for column in sorted(columns):
                meant = column.strip().lower()
                meant = _MEANT.get(meant, meant)
                if meant in ("file", *_TERMS, *_FACTS) and meant not in columns:
                    raise LandloomError(f"source.tables: {path}: the column {column!r} must be called {meant}")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LandloomError(f"source.tables: {path} is no CSV in UTF-8 that can be read: {error}") from None
    for line, row in rows:
        if None in row or None in row.values():
            raise LandloomError(f"source.tables: {path}, line {line}: it has another number of cells than the header")
    return rows
