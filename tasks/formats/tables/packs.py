"""Packs: many small rasters in one file, so that DVC and its remotes handle hundreds of files instead of thousands.

A pack is a zip archive. Its members are stored without further compression, because they are compressed rasters. GDAL
and QGIS open a member inside the pack as `/vsizip/scenes/pack-007.zip/<member>`; `unzip` extracts the members. Tables
name a member `scenes/pack-007.zip/<member>` and a raster outside packs by its path.
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
_WHEN = (1980, 1, 1, 0, 0, 0)  # a fixed time, so that the bytes are always the same


@contextmanager
def packed(folder: Path, pack: str | None) -> Iterator[Path]:
    """Yield a folder to write files to. On success, write them into `folder/<pack>.zip`, in the order of their names.

    If `pack` is None, the yielded folder is `folder` itself. If there are no files, no pack is written.

    Raises:
        LandloomError: the pack cannot be written, for example because the disk is full.
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
    """Return the path of file `name` in `pack` as tables state it, relative to the folder of the pack."""
    return f"{pack}{SUFFIX}/{name}" if pack else name


def pack_of(path: str) -> str | None:
    """Return the name of the pack in `path` (a path as in tables), or None."""
    parents = path.split("/")[:-1]
    return parents[-1].removesuffix(SUFFIX) if parents and parents[-1].endswith(SUFFIX) else None


def gdal_path(folder: Path, path: str) -> str:
    """Return the name under which GDAL opens `path` (a path as in tables, relative to `folder`)."""
    if pack_of(path) is None:
        return str(folder / path)
    archive, name = path.rsplit("/", 1)
    return f"/vsizip/{{{folder / archive}}}/{name}"


def exists(folder: Path, path: str) -> bool:
    """Return whether the file `path` exists (a path as in tables, relative to `folder`)."""
    if pack_of(path) is None:
        return (folder / path).exists()
    archive, name = path.rsplit("/", 1)
    about = (folder / archive).stat()
    return name in _names(folder / archive, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=4)
def _names(archive: Path, _changed: int, _bytes: int) -> frozenset[str]:
    with ZipFile(archive) as opened:
        return frozenset(opened.namelist())
