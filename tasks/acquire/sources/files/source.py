"""Rasters that already lie on this machine: folders, files and globs."""

from __future__ import annotations

import glob
import os
import shutil
import stat
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from tasks.acquire.common.archive import check_hgt_zip
from tasks.acquire.common.area import Area
from tasks.acquire.common.context import Context
from tasks.acquire.common.fields import Override
from tasks.acquire.common.sidecars import SIDECARS
from tasks.acquire.common.source import Candidate, Delivery, Refusal, Source
from tasks.acquire.sources.files.params import Params
from tasks.acquire.sources.files.tables import Said, read_tables
from tasks.core.errors import LandloomError


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The files themselves; the stage leaves out those outside the area once it knows where they lie."""
    return FileSource(params, context.root)


class FileSource:
    """Every file below the given paths is a candidate: taken, or refused by name."""

    def __init__(self, params: Params, root: Path):
        self._params, self._root = params, root
        self._tables = [Path(os.path.abspath(root / Path(given).expanduser())) for given in params.tables]

    def items(self) -> Iterator[Candidate]:
        """All files, sorted by key."""
        files = self._named()
        if not files:
            given = ", ".join(self._params.paths)
            raise LandloomError(f"source.paths: {given} holds no file; put rasters or pictures there, or name another")
        for pattern in self._params.overrides:
            if not any(_matches(key, pattern) for key in files):
                raise LandloomError(f"source.overrides: {pattern!r} matches no file; it is held against {_some(files)}")
        tables = read_tables(self._tables, files.keys())
        for key, (path, root) in sorted(files.items()):
            odd, said = _unnameable(key), tables.get(key, Said())
            yield Candidate(
                key=odd or key,
                name=odd or key,
                source="files",
                licence=said.licence or self._params.licence or "not stated",
                attribution=said.attribution or self._params.attribution or "not stated",
                layers=tuple(self._params.layers),
                override=self._override(key),
                facts=dict(said.facts),
                deliver=_refuse_name if odd else partial(copy_raster, path=path, root=root, name=key),
            )

    def _override(self, key: str) -> Override:
        """All overrides whose glob matches, later ones over earlier ones."""
        merged = Override()
        for pattern, override in self._params.overrides.items():
            if _matches(key, pattern):
                merged.update(override)
        return merged

    def _named(self) -> dict[str, tuple[Path, Path]]:
        """File and the folder it must not leave, by key: the path below the given folder."""
        found: dict[Path, Path] = {}
        for given in self._params.paths:
            for path, root in self._walk(given):
                if Path(os.path.abspath(path)) not in self._tables:
                    found.setdefault(path, root)
        # Sidecars are removed only now, because a raster and its sidecar may come from two of the given paths.
        rasters = [path for path in found if not _is_sidecar(path)]
        short = [path.relative_to(found[path]).as_posix() for path in rasters]
        named: dict[str, tuple[Path, Path]] = {}
        for path, key in zip(rasters, short, strict=True):
            if short.count(key) > 1:
                key = f"{found[path].name}/{key}"
            if key in named:
                other = named[key][0]
                raise LandloomError(f"source.paths: {other} and {path} would both be {key}; name one folder above")
            named[key] = (path, found[path])
        return named

    def _walk(self, given: str) -> Iterator[tuple[Path, Path]]:
        """Files of one given path, each with the folder that it must not leave."""
        path = self._root / Path(given).expanduser()
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                links = [name for name in folders if (Path(folder) / name).is_symlink()]
                for name in sorted([*names, *links]):
                    if not name.startswith("."):
                        yield Path(folder) / name, path
        elif glob.has_magic(given):
            root = Path(*path.parts[: next(i for i, part in enumerate(path.parts) if glob.has_magic(part))])
            matches = [match for match in map(Path, sorted(glob.glob(str(path), recursive=True))) if not match.is_dir()]
            if not matches:
                raise LandloomError(f"source.paths: nothing matches {given}")
            yield from ((match, root) for match in matches)
        elif path.exists() or path.is_symlink():
            yield path, path.parent
        else:
            raise LandloomError(f"source.paths: there is no {given}")


def _unnameable(key: str) -> str | None:
    """The key with its odd bytes written out, where it is no UTF-8 or holds control characters; else None."""
    if key.isprintable():
        return None
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in key)


def _refuse_name(folder: Path) -> Delivery:
    raise Refusal("its name is no UTF-8 or holds control characters; rename it")


def copy_raster(folder: Path, path: Path, root: Path, name: str) -> Delivery:
    """Copy one raster and its sidecars to `folder / name`; refuse anything but a plain file below `root`.

    A copy, not a hard link: what DVC keeps must not change when the original is edited.
    """
    target = folder / name
    _check_inside(path, root)
    lower = path.name.lower()
    if lower.endswith((".zip", ".gz", ".tar", ".tgz", ".7z")) and not lower.endswith(".hgt.zip"):
        raise Refusal("an archive; unpack it (only .hgt.zip is read as it is)")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(path, target)
        for sidecar in _sidecars_of(path):
            _check_inside(sidecar, root)
            shutil.copyfile(sidecar, target.parent / sidecar.name)
    except PermissionError:
        raise Refusal("may not be read by this user") from None
    if lower.endswith(".zip"):
        check_hgt_zip(target)
    return Delivery()


def _check_inside(path: Path, root: Path) -> None:
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise Refusal(f"{path.name} is a link that leads nowhere") from None
    if not real.is_relative_to(root.resolve()):
        raise Refusal(f"{path.name} is a link that leads out of the folder")
    if path.is_symlink() and real.is_dir():
        raise Refusal("a link to a folder; links to folders are not followed")
    if not stat.S_ISREG(real.stat().st_mode):
        raise Refusal("no plain file")


def _sidecars_of(path: Path) -> list[Path]:
    """Files beside `path` that describe it: `dem.prj` or `dem.asc.prj` for `dem.asc`."""
    stems = {path.name.lower(), path.stem.lower()}
    return sorted(
        item
        for item in path.parent.iterdir()
        for suffix in SIDECARS
        if item != path and item.name.lower().endswith(suffix) and item.name.lower().removesuffix(suffix) in stems
    )


def _is_sidecar(path: Path) -> bool:
    """Whether `path` is a sidecar of some other file beside it."""
    for suffix in SIDECARS:
        if path.name.lower().endswith(suffix):
            stem = path.name.lower().removesuffix(suffix)
            for item in path.parent.iterdir():
                other = item.name.lower()
                if not other.endswith(SIDECARS) and stem in (other, Path(other).stem) and item != path:
                    return True
    return False


def _matches(key: str, pattern: str) -> bool:
    return fnmatch(key, pattern) or fnmatch(key.rsplit("/", 1)[-1], pattern)


def _some(files: dict[str, tuple[Path, Path]]) -> str:
    names = sorted(files)
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
