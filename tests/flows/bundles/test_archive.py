"""Archives: the same bytes for the same files, and nothing taken that was changed, climbs out or blows up."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from flows.bundles import archive
from flows.bundles.archive import ArchiveError

CARD, KIND, LIMIT = "card.json", "toy/1", 1 << 20


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(bytes(range(256)) * 5)
    (tmp_path / "in/b").write_bytes(b"")
    return {"deep/er/a": tmp_path / "in/a", "b": tmp_path / "in/b"}


def pack(path: Path, files: dict[str, Path], listed: dict | None = None) -> Path:
    card = {"format": KIND, "files": archive.listed(files) if listed is None else listed}
    archive.write(path, [*archive.carded(CARD, card), *sorted(files.items())], False)
    return path


def unpack(path: Path, into: Path, limit: int = LIMIT) -> dict:
    return archive.unpack(path, into, CARD, KIND, limit)


def crafted(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    """An archive with an honest card of nothing, and then `entries`."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, text in archive.carded(CARD, {"format": KIND, "files": {}}):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
        for entry, text in entries:
            tar.addfile(entry, io.BytesIO(text))
    return path


def test_what_was_packed_comes_back_and_twice_gives_the_same_bytes(files, tmp_path):
    first, second = pack(tmp_path / "one.tar", files), pack(tmp_path / "two.tar", files)
    assert first.read_bytes() == second.read_bytes()
    unpack(first, tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files} == {
        n: p.read_bytes() for n, p in files.items()
    }
    assert first.stat().st_size == archive.size([*archive.carded(CARD, json.loads(_card(first))), *files.items()])


def _card(path: Path) -> bytes:
    with tarfile.open(path) as tar:
        return tar.extractfile(CARD).read()


def test_every_flipped_byte_is_noticed(files, tmp_path):
    good = pack(tmp_path / "good.tar", files).read_bytes()
    for place in range(0, len(good), 37):
        bad = bytearray(good)
        bad[place] ^= 1 << place % 8
        (tmp_path / "bad.tar").write_bytes(bad)
        with pytest.raises(ArchiveError):
            unpack(tmp_path / "bad.tar", tmp_path / f"out-{place}")


def test_a_flipped_byte_of_a_file_names_it(files, tmp_path):
    path = pack(tmp_path / "good.tar", files)
    bad = bytearray(path.read_bytes())
    bad[bad.index(bytes(range(256))) + 7] ^= 1
    path.write_bytes(bad)
    with pytest.raises(ArchiveError, match="deep/er/a: damaged"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("name", ["../up", "/etc/up", "a/../../up", "a//b", ".", "a\\b", "a\nb"])
def test_a_path_that_leads_elsewhere_is_refused(tmp_path, name):
    path = crafted(tmp_path / "bad.tar", (tarfile.TarInfo(name), b""))
    with pytest.raises(ArchiveError):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_only_regular_files_are_taken(tmp_path, kind):
    entry = tarfile.TarInfo("thing")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with pytest.raises(ArchiveError, match="no regular file"):
        unpack(crafted(tmp_path / "bad.tar", (entry, b"")), tmp_path / "out")


def test_extended_headers_are_refused_before_they_are_read(tmp_path):
    entry = tarfile.TarInfo("long")
    entry.type, entry.size = tarfile.XHDTYPE, 1 << 33  # would be held in memory whole
    path = crafted(tmp_path / "bad.tar")
    raw = path.read_bytes().rstrip(b"\0")
    raw += bytes(-len(raw) % 512)
    path.write_bytes(raw + entry.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(ArchiveError, match="no regular file"):
        unpack(path, tmp_path / "out")


def test_a_bomb_is_refused_by_what_it_declares(files, tmp_path):
    (tmp_path / "in/a").write_bytes(bytes(3 << 20))
    path = pack(tmp_path / "big.tar", files)
    with pytest.raises(ArchiveError, match="more than the limit of 1 MiB"):
        unpack(path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    small = archive.listed(files) | {"deep/er/a": [1, "0" * 64]}
    with pytest.raises(ArchiveError, match="3145728 bytes where 1 are listed"):
        unpack(pack(tmp_path / "lie.tar", files, small), tmp_path / "lie")


def test_files_beyond_the_list_twice_or_missing_are_refused(files, tmp_path):
    listed = archive.listed(files)
    with pytest.raises(ArchiveError, match="b: is not listed"):
        unpack(pack(tmp_path / "more.tar", files, {"deep/er/a": listed["deep/er/a"]}), tmp_path / "more")
    with pytest.raises(ArchiveError, match="c: missing"):
        unpack(pack(tmp_path / "less.tar", files, listed | {"c": [0, "0" * 64]}), tmp_path / "less")
    card = archive.carded(CARD, {"format": KIND, "files": listed})
    archive.write(tmp_path / "twice.tar", [*card, ("b", b""), ("b", b"")], False)
    with pytest.raises(ArchiveError, match="b: "):
        unpack(tmp_path / "twice.tar", tmp_path / "twice")


@pytest.mark.parametrize("entry", [[-(3 << 20), "0" * 64], None, ["1", "0" * 64], [1]])
def test_a_listed_size_that_is_no_size_is_refused(files, tmp_path, entry):
    """A negative size would bring the sum of all sizes below the limit."""
    (tmp_path / "in/a").write_bytes(bytes(3 << 20))
    path = pack(tmp_path / "big.tar", files, archive.listed(files) | {"c": entry})
    with pytest.raises(ArchiveError, match="c: its entry in the card is not a size and a hash"):
        unpack(path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_size_beyond_the_format_is_refused(tmp_path):
    entry = tarfile.TarInfo("large")
    entry.size = 1 << 40
    raw = crafted(tmp_path / "bad.tar").read_bytes().rstrip(b"\0")
    raw += bytes(-len(raw) % 512) + entry.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "bad.tar").write_bytes(raw)
    with pytest.raises(ArchiveError, match="large: its header is damaged"):
        unpack(tmp_path / "bad.tar", tmp_path / "out")
