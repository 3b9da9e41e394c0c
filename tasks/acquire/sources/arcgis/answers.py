"""What a service answers where a picture is due: the picture, an error in JSON, or a page for people.

An ArcGIS server sends errors as `{"error": {"code": …, "message": …, "details": […]}}`, often with status 200.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from tasks.acquire.common.source import Refusal, Unreadable

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8")
_KEY = (401, 403, 498, 499)  # 498: the token is not valid; 499: a token is needed
_BUSY = (408, 429, 500, 502, 503, 504)


class Stopped(Exception):
    """The service will answer no request of this kind: the run must end."""


class Busy(Exception):
    """The service could not answer now. `steady`: it may be this request that it can never answer."""

    def __init__(self, reason: str, steady: bool):
        super().__init__(reason)
        self.steady = steady


def read_json(text: str, what: str) -> dict[str, Any]:
    """Return a JSON answer.

    Raises:
        Stopped: it is a page, or an error about the key.
        Busy: an error that may pass. Refusal: any other error.
    """
    try:
        answer = json.loads(text)
    except ValueError:
        raise Stopped(_page(text, what)) from None
    if not isinstance(answer, dict):
        raise Stopped(_page(text, what))
    if isinstance(answer.get("error"), dict):
        _raise(answer["error"])
    if answer.get("status") == "error":  # as an ArcGIS server answers about itself
        raise Refusal(f"the service answers: {' '.join(map(str, answer.get('messages') or ['an error']))[:200]}")
    return answer


def read_picture(data: bytes, cols: int, rows: int) -> np.ndarray:
    """Return a picture as RGBA, uint8 (rows, cols, 4); alpha 0 is where the service has nothing to show.

    Raises:
        Unreadable: the picture is damaged, or of another size.
        Stopped, Busy, Refusal: it is no picture; see `read_json`.
    """
    if not data.startswith(_MAGIC):
        text = data[:20_000].decode("utf-8", "replace").strip()
        if not text:
            raise Busy("answers with nothing where a picture is due", steady=True)
        read_json(text, "a picture")
        raise Refusal(f"the service answers with JSON where a picture is due: {' '.join(text.split())[:100]}")
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
            if image.size != (cols, rows):
                raise Unreadable(
                    f"the service sends {image.size[0]} × {image.size[1]} pixels where {cols} × {rows} are due"
                )
            return np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unreadable(f"a damaged picture: {' '.join(str(error).split())}") from None


def _raise(error: dict[str, Any]) -> None:
    code = error.get("code")
    words = [error.get("message"), *(error.get("details") or [])]
    text = f"error {code}: {'; '.join(str(word) for word in words if word) or 'without a word'}"[:300]
    if code in _KEY:
        raise Stopped(
            f"{text}. The service wants a key: export it, and name its variable in source.key (key: ARCGIS_API_KEY)"
        )
    if code in _BUSY:
        raise Busy(f"answers {text}", steady=code == 500)
    raise Refusal(f"the service answers {text}")


def _page(text: str, what: str) -> str:
    start = " ".join(text.split())[:80]
    return (
        f"answers with a page where {what} is due ({start!r}): this address may be blocked, or wants a login. "
        "Nothing of it was stored. Wait some hours, and lower download.requests_per_second"
    )
