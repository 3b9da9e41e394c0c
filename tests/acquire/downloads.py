"""One file, downloaded with short waits."""

from __future__ import annotations

from pathlib import Path

from tasks.acquire.common.download import Downloads, Expected
from tasks.acquire.common.http import Http, Patience
from tasks.polite.throttle import Throttle

BODY = bytes(range(256)) * 4000  # 1 MB
ETAG = '"one"'
ANY = Expected()


def http(folder: Path, retries: int = 3, give_up_s: float = 20.0, timeout_s: float = 5.0, rate: float = 100.0) -> Http:
    return Http(Throttle(folder / "hosts", rate), Patience(timeout_s, retries, give_up_s, backoff_s=0.01))


def downloads(folder: Path, max_bytes: int = 1 << 24, **patience: float) -> Downloads:
    return Downloads(folder / "downloads", http(folder, **patience), max_bytes)  # type: ignore[arg-type]


def get(folder: Path, url: str, expected: Expected = ANY, **options: float) -> bytes:
    target = folder / "out" / "file.bin"
    target.unlink(missing_ok=True)
    downloads(folder, **options).deliver(url, target, expected)  # type: ignore[arg-type]
    return target.read_bytes()


def left_behind(folder: Path) -> list[str]:
    """Suffixes of the files that a failed download leaves, without locks."""
    return sorted(
        path.suffix for path in (folder / "downloads").rglob("*") if path.is_file() and path.suffix != ".lock"
    )


def status(code: int, **headers: object) -> object:
    return lambda handler: handler.answer(code, b"", **headers)
