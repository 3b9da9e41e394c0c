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


def busy(answer: Any) -> str | None:
    """Why a JSON answer asks to try again later; None where it does not."""
    error = answer.get("error") if isinstance(answer, dict) else None
    return _words(error) if isinstance(error, dict) and error.get("code") in _BUSY else None


def check(answer: Any) -> dict[str, Any]:
    """Return a JSON answer that is no error.

    Raises:
        Stopped: it is an error about the key, or no answer of such a service at all.
        Busy: an error that may pass. Refusal: any other error.
    """
    if not isinstance(answer, dict):
        raise Stopped("answers with JSON that is no object: is this an ArcGIS service?")
    if isinstance(error := answer.get("error"), dict):
        code = error.get("code")
        if code in _KEY:
            hint = "The service wants a key: export it, and name its variable in source.key (key: ARCGIS_API_KEY)"
            raise Stopped(f"answers {_words(error)}. {hint}")
        if code in _BUSY:
            raise Busy(f"answers {_words(error)}", steady=code == 500)
        raise Refusal(f"the service answers {_words(error)}")
    if answer.get("status") == "error":  # as an ArcGIS server answers about itself
        raise Refusal(f"the service answers: {' '.join(map(str, answer.get('messages') or ['an error']))[:200]}")
    return answer


def read_picture(data: bytes, cols: int, rows: int) -> np.ndarray:
    """Return a picture as RGBA, uint8 (rows, cols, 4); alpha 0 is where the service has nothing to show.

    Raises:
        Unreadable: the picture is damaged, or of another size.
        Stopped, Busy, Refusal: it is no picture; see `check`.
    """
    if not data.startswith(_MAGIC):
        text = " ".join(data[:20_000].decode("utf-8", "replace").split())
        if not text:
            raise Busy("answers with nothing where a picture is due", steady=True)
        try:
            check(json.loads(text))
        except ValueError:
            raise Stopped(
                f"answers with text where a picture is due ({text[:80]!r}); nothing of it was stored"
            ) from None
        raise Refusal(f"the service answers with JSON where a picture is due: {text[:100]}")
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
            if image.size != (cols, rows):
                raise Unreadable(
                    f"the service sends {image.size[0]} × {image.size[1]} pixels where {cols} × {rows} are due"
                )
            return np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unreadable(f"a damaged picture: {' '.join(str(error).split())}") from None


def _words(error: dict[str, Any]) -> str:
    words = [error.get("message"), *(error.get("details") or [])]
    return f"error {error.get('code')}: {'; '.join(str(word) for word in words if word) or 'without a word'}"[:300]
