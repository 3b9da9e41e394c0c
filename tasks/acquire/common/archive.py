"""Zips, unpacked member by member. A member that is longer than it says, or than a limit, is refused."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import IO

from tasks.acquire.common.source import Refusal, Unreadable
from tasks.core.files import atomic_file

_CELL = re.compile(r"[NS]\d\d[EW]\d{3}", re.IGNORECASE)
MAX_UNPACKED = 128 << 20
"""Bytes; an SRTM cell of 1″ has 26 MB, one of 0.5″ 104 MB."""


def check_hgt_zip(path: Path) -> None:
    """Refuse a zip that does not hold exactly one .hgt file, or whose file has another size than the zip states.

    GDAL reads the member `N46E010.hgt` of a zip whose name begins with `N46E010`. Zips are also published with folders,
    with longer names of the member, and with more files inside. Such a zip is written again with that member alone.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            for member in members:
                _check_name(member)
            cells = [member for member in members if _base(member).lower().endswith(".hgt") and not _litter(member)]
            if len(cells) != 1:
                raise Refusal(f"a zip of {len(cells)} .hgt files; one alone is wanted")
            (cell,) = cells
            if cell.file_size > MAX_UNPACKED:
                raise Refusal(f"says it unpacks to {cell.file_size} bytes; a cell has at most {MAX_UNPACKED}")
            wanted = f"{path.name[:7]}.hgt"
            if [member.filename for member in members] == [wanted]:
                _unpack(archive, cell, MAX_UNPACKED, None)
                return
            if not _CELL.match(path.name):
                raise Refusal("its name does not begin with its cell, as N46E010 does")
            if _CELL.match(_base(cell)) and _base(cell)[:7].upper() != path.name[:7].upper():
                raise Refusal(f"its member {_base(cell)!r} is of another cell than its name")
            # Not compressed: the bytes of a compressed zip depend on the version of zlib.
            with (
                atomic_file(path) as part,
                zipfile.ZipFile(part, "w") as again,
                again.open(zipfile.ZipInfo(wanted), "w") as target,
            ):
                _unpack(archive, cell, MAX_UNPACKED, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Refusal(f"a damaged or unreadable zip: {error}") from None


def extract(path: Path, wanted: str, folder: Path, max_bytes: int, sidecars: tuple[str, ...]) -> None:
    """Unpack one raster of a zip and its sidecars into `folder`, without the zip's own folders.

    Args:
        wanted: the member, by its full name, or by its name alone where the zip has one such file.
        sidecars: endings of files that belong to a raster of the same stem.

    Raises:
        Refusal: there is no such member, the zip is damaged, or a size is not the stated one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: member for member in archive.infolist()}
            wanted = _member(wanted, members)
            stem = wanted.rsplit(".", 1)[0]
            beside = [name for name in members if name.startswith((f"{stem}.", f"{wanted}.")) and name != wanted]
            for name in [wanted, *sorted(name for name in beside if name.lower().endswith(sidecars))]:
                _check_name(members[name])
                with (folder / PurePosixPath(name).name).open("xb") as target:
                    _unpack(archive, members[name], max_bytes, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Unreadable(f"a damaged or unreadable zip: {error}") from None


def _member(wanted: str, members: Collection[str]) -> str:
    """The full name of a member. Publishers put the same file into a folder in one release and not in the next."""
    if wanted in members:
        return wanted
    files = [name for name in members if not name.endswith("/") and not name.startswith("__MACOSX/")]
    alike = [name for name in files if PurePosixPath(name).name == PurePosixPath(wanted).name]
    if len(alike) != 1:
        raise Refusal(f"the zip has no member {wanted!r}; it has {', '.join(sorted(members)[:8])}")
    return alike[0]


def _base(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename.replace("\\", "/")).name


def _litter(member: zipfile.ZipInfo) -> bool:
    """Whether a Mac put the member in beside the file of the same name."""
    return member.filename.startswith("__MACOSX/") or _base(member).startswith("._")


def _check_name(member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts:
        raise Refusal(f"its member {member.filename!r} would leave the folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Refusal(f"its member {member.filename!r} is a link")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int, target: IO[bytes] | None) -> None:
    """Unpack a member into `target` (None discards it) and compare its length with what the zip states."""
    declared = member.file_size
    member.file_size = 1 << 62  # zipfile stops at the declared size, which would hide a longer member
    actual = 0
    with archive.open(member) as stream:
        while chunk := stream.read(1 << 20):
            actual += len(chunk)
            if actual > max_bytes:
                raise Refusal(f"unpacks to more than {max_bytes} bytes though it says {declared}")
            if target:
                target.write(chunk)
    if actual != declared:
        raise Refusal(f"unpacks to {actual} bytes though it says {declared}")
