"""Archives of bundles and results: ustar, optionally compressed with zstd. Both machines use this module.

It imports only the standard library. The writer gives the same bytes for the same members. The reader does not trust
the archive: it accepts only regular files, checks each name and size before it returns any byte, and reads no more
than the size in the header.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

BLOCK = 512
_CHUNK = 1 << 20
_CARD_MB = 64  # largest size of the card, which is read into memory
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class ArchiveError(ValueError):
    """The archive is damaged or holds a forbidden member. The message names the member."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def listed(files: Mapping[str, Path]) -> dict[str, list[Any]]:
    """Return the list of files for a card: from archive name to [size in bytes, SHA-256]."""
    return {name: [path.stat().st_size, sha256(path)] for name, path in sorted(files.items())}


def size(members: Iterable[tuple[str, Path | bytes]]) -> int:
    """Return the size of the archive of `members` in bytes, without compression."""
    total = 0
    for _, content in members:
        length = len(content) if isinstance(content, bytes) else content.stat().st_size
        total += BLOCK + -(-length // BLOCK) * BLOCK
    return -(-(total + 2 * BLOCK) // tarfile.RECORDSIZE) * tarfile.RECORDSIZE


def write(path: Path, members: Iterable[tuple[str, Path | bytes]], compress: bool) -> None:
    """Write `members` (name, file or bytes) in their order, atomically. Owner, times and modes are constant.

    Args:
        compress: whether to compress with zstd; requires a module that `zstd` finds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        with (
            part.open("wb") as stream,
            _compressed(stream) if compress else _plain(stream) as out,
            tarfile.open(fileobj=out, mode="w|", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for name, content in members:
                if isinstance(content, bytes):
                    tar.addfile(_header(name, len(content)), io.BytesIO(content))
                else:
                    with content.open("rb") as source:
                        tar.addfile(_header(name, content.stat().st_size), source)
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _header(name: str, length: int) -> tarfile.TarInfo:
    """Return the only valid header for a member with this name and length."""
    entry = tarfile.TarInfo(name)
    entry.size = length
    return entry


def _is_valid(header: bytes, entry: tarfile.TarInfo) -> bool:
    try:
        return _header(entry.name, entry.size).tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict") == header
    except ValueError:  # ustar cannot hold this size or name
        return False


def carded(name: str, card: dict[str, Any]) -> list[tuple[str, bytes]]:
    """Return the first two members: the card, which lists all files, and the hash of the card."""
    text = (json.dumps(card, indent=1, sort_keys=True) + "\n").encode()
    return [(name, text), (f"{name}.sha256", f"{hashlib.sha256(text).hexdigest()}\n".encode())]


def read_card(text: bytes, digest: bytes, name: str, kind: str) -> dict[str, Any]:
    """Parse and return a card. Raise ArchiveError if it does not match its hash or has another format."""
    if f"{hashlib.sha256(text).hexdigest()}\n".encode() != digest:
        raise ArchiveError(f"{name}: damaged: its content does not match its hash")
    card = json.loads(text)
    if card.get("format") != kind:
        raise ArchiveError(f"{name}: its format is {card.get('format')!r}; this version reads only {kind!r}")
    return card


def unpack(path: Path, into: Path, name: str, kind: str, limit: int) -> dict[str, Any]:
    """Unpack an archive into the new folder `into`, and check all members against the card.

    Args:
        name: name of the card, which is the first member and is not listed in itself.
        kind: the required format of the card.
        limit: largest total size of the files in bytes.

    Returns:
        The card.

    Raises:
        ArchiveError: a member is damaged, missing, not listed, or of a forbidden type.
    """
    into.mkdir(parents=True)
    with _opened(path) as stream:
        members = _members(stream)
        texts = []
        for wanted in (name, f"{name}.sha256"):
            found, length, chunks = next(members, ("", 0, iter(())))
            if found != wanted or length > _CARD_MB << 20:
                raise ArchiveError(f"{path.name}: does not begin with {name}")
            texts.append(b"".join(chunks))
        card = read_card(texts[0], texts[1], name, kind)
        files = _sizes_checked(card, path.name)
        total = sum(entry[0] for entry in files.values())
        if total > limit:
            raise ArchiveError(
                f"{path.name}: its files have {total / 2**20:.0f} MiB together, more than the limit of "
                f"{limit / 2**20:.0f} MiB"
            )
        missing = set(files)
        for found, length, chunks in members:
            if found not in missing:
                why = "occurs twice" if found in files else f"is not listed in {name}"
                raise ArchiveError(f"{path.name}: {found}: {why}")
            missing.discard(found)
            if length != files[found][0]:
                raise ArchiveError(f"{path.name}: {found}: {length} bytes where {files[found][0]} are listed")
            _take(chunks, into / found, files[found][1], f"{path.name}: {found}")
    if missing:
        raise ArchiveError(
            f"{path.name}: {min(missing)}: missing" + (f" with {len(missing) - 1} more" * (len(missing) > 1))
        )
    return card


def _sizes_checked(card: dict[str, Any], where: str) -> dict[str, list[Any]]:
    """Return the list of files. Raise ArchiveError if an entry is not [size, hash]: a negative size hides a bomb."""
    files = card.get("files")
    if not isinstance(files, dict):
        raise ArchiveError(f"{where}: its card has no list of files")
    for name, entry in files.items():
        match entry:
            case [int(length), str()] if length >= 0:
                continue
        raise ArchiveError(f"{where}: {name}: its entry in the card is not a size and a hash")
    return files


def _take(chunks: Iterator[bytes], target: Path, digest: str, where: str) -> None:
    found = hashlib.sha256()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stream = target.open("xb")
    except (FileExistsError, NotADirectoryError):
        raise ArchiveError(f"{where}: its path conflicts with that of another file") from None
    with stream:
        for chunk in chunks:
            found.update(chunk)
            stream.write(chunk)
    if found.hexdigest() != digest:
        raise ArchiveError(f"{where}: damaged: its content does not match its hash")


def _members(stream: IO[bytes]) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Yield each member as (name, size, chunks). Read all chunks before the next member."""
    while True:
        header = _exactly(stream, BLOCK, "the archive")
        if not any(header):
            break
        try:
            entry = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeError, ValueError) as error:
            raise ArchiveError(f"a header of the archive is damaged: {error}") from None
        safe_name(entry.name)
        if entry.type != tarfile.REGTYPE:
            raise ArchiveError(f"{entry.name}: no regular file (type {entry.type!r}); other types are refused")
        if not _is_valid(header, entry):
            raise ArchiveError(f"{entry.name}: its header is damaged")
        yield entry.name, entry.size, _content(stream, entry.name, entry.size)
        if any(_exactly(stream, -entry.size % BLOCK, entry.name)):
            raise ArchiveError(f"{entry.name}: the padding of its last block is damaged")
    left = tarfile.RECORDSIZE
    while chunk := stream.read(_CHUNK):
        left -= len(chunk)
        if any(chunk) or left < 0:
            raise ArchiveError("the archive has data after its end")


def _content(stream: IO[bytes], name: str, length: int) -> Iterator[bytes]:
    while length:
        chunk = _exactly(stream, min(length, _CHUNK), name)
        length -= len(chunk)
        yield chunk


def _exactly(stream: IO[bytes], length: int, name: str) -> bytes:
    parts = []
    while length:
        part = stream.read(length)
        if not part:
            raise ArchiveError(f"{name}: cut short")
        length -= len(part)
        parts.append(part)
    return b"".join(parts)


def safe_name(name: str) -> None:
    """Raise ArchiveError if a name is not a plain relative path or could leave the folder."""
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise ArchiveError(f"{name!r}: a path that could leave the folder is refused")


def zstd() -> Any | None:
    """Return a module for zstd: that of Python 3.14, else the package `zstandard`, else None."""
    for module in ("compression.zstd", "zstandard"):
        try:
            return importlib.import_module(module)
        except ImportError:
            continue
    return None


@contextmanager
def _compressed(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    module = zstd()
    if hasattr(module, "ZstdFile"):  # the module of Python 3.14
        options = {module.CompressionParameter.compression_level: 10, module.CompressionParameter.checksum_flag: 1}
        with module.ZstdFile(stream, "w", options=options) as out:
            yield out
    else:
        parameters = module.ZstdCompressionParameters.from_level(10, write_checksum=True)
        with module.ZstdCompressor(compression_params=parameters).stream_writer(stream, closefd=False) as out:
            yield out


@contextmanager
def _plain(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    yield stream


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` and yield a stream of the archive without compression."""
    with path.open("rb") as stream:
        if stream.peek(4)[:4] != _ZSTD_MAGIC:  # type: ignore[attr-defined]
            yield stream
            return
        module = zstd()
        if module is None:
            raise ArchiveError(f"{path.name}: compressed with zstd, which this Python lacks; run `zstd -d {path.name}`")
        errors: tuple[type[Exception], ...] = (module.ZstdError, EOFError)
        reader = (
            module.ZstdFile(stream) if hasattr(module, "ZstdFile") else module.ZstdDecompressor().stream_reader(stream)
        )
        with reader:
            try:
                yield reader
            except errors as error:
                raise ArchiveError(f"{path.name}: damaged: {error}") from None
