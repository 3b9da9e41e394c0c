"""Zipped SRTM cells: a zip is trusted only after it was unpacked once, into nothing, up to a limit."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tasks.acquire.source import Refusal

MAX_UNPACKED = 128 << 20
"""Bytes; an SRTM cell of 1″ has 26 MB, one of 0.5″ 104 MB."""


def check_hgt_zip(path: Path) -> None:
    """Refuse a zip that is not one honest .hgt file: its size as declared and as it really unpacks."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            for member in members:
                _check_name(member)
            cells = [member for member in members if member.filename.lower().endswith(".hgt")]
            if len(cells) != 1 or len(members) != 1:
                raise Refusal(f"a zip of {len(members)} members; one .hgt alone is wanted")
            if cells[0].file_size > MAX_UNPACKED:
                raise Refusal(f"says it unpacks to {cells[0].file_size} bytes; a cell has at most {MAX_UNPACKED}")
            _check_size(archive, cells[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise Refusal(f"a damaged or unreadable zip: {error}") from None


def _check_name(member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise Refusal(f"its member {member.filename!r} would leave the folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Refusal(f"its member {member.filename!r} is a link")


def _check_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    declared = member.file_size
    member.file_size = 1 << 62  # zipfile would stop at the declared size, and hide what really comes
    actual = 0
    with archive.open(member) as stream:
        while chunk := stream.read(1 << 20):
            actual += len(chunk)
            if actual > MAX_UNPACKED:
                raise Refusal(f"unpacks to more than {MAX_UNPACKED} bytes though it says {declared}")
    if actual != declared:
        raise Refusal(f"unpacks to {actual} bytes though it says {declared}")
