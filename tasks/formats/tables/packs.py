"""Packs: many small rasters in one file, so that DVC and its remotes handle a few hundred files and not many thousands.

A pack is a zip archive whose members are stored as they are (they are compressed themselves). GDAL, and with it QGIS,
opens a member where it lies, as `/vsizip/scenes/pack-007.zip/<member>`; `unzip` makes plain files of them. In tables a
member is named `scenes/pack-007.zip/<member>`, and a raster outside any pack by its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file

SUFFIX = ".zip"
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is written


@contextmanager
def packed(folder: Path, pack: str | None) -> Iterator[Path]:
    """Yield a folder to write files to; on success they are the members of `folder/<pack>.zip`, in name order.

    Without a pack it is `folder` itself. Where no file was written no pack is.

    Raises:
        LandloomError: the disk is full.
    """
    if pack is None:
        yield folder
        return
    with TemporaryDirectory(prefix=f".{pack}.part", dir=folder) as members:
        yield Path(members)
        files = sorted(Path(members).iterdir())
        if files:
            try:
                _write(folder / f"{pack}{SUFFIX}", files)
            except OSError as error:
                path = f"{folder.name}/{pack}{SUFFIX}"
                raise LandloomError(f"{path}: could not be written ({error}); make room and run again") from None


def _write(path: Path, files: list[Path]) -> None:
    with atomic_file(path) as part, ZipFile(part, "w") as archive:
        for file in files:
            info = ZipInfo(file.name, _WHEN)
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.read_bytes())


def member(pack: str | None, name: str) -> str:
    """What a table calls file `name` in `pack`, relative to the folder that the pack is in."""
    return f"{pack}{SUFFIX}/{name}" if pack else name


def pack_of(path: str) -> str | None:
    """The pack that `path`, as a table has it, leads into."""
    parents = path.split("/")[:-1]
    return parents[-1].removesuffix(SUFFIX) if parents and parents[-1].endswith(SUFFIX) else None


def gdal_path(folder: Path, path: str) -> str:
    """What GDAL opens `path` by, as a table has it, relative to `folder`."""
    if pack_of(path) is None:
        return str(folder / path)
    archive, name = path.rsplit("/", 1)
    return f"/vsizip/{{{folder / archive}}}/{name}"


def exists(folder: Path, path: str) -> bool:
    """Whether there is a file `path`, as a table has it, relative to `folder`."""
    if pack_of(path) is None:
        return (folder / path).exists()
    archive, name = path.rsplit("/", 1)
    about = (folder / archive).stat()
    return name in _names(folder / archive, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=4)
def _names(archive: Path, _changed: int, _bytes: int) -> frozenset[str]:
    with ZipFile(archive) as opened:
        return frozenset(opened.namelist())
