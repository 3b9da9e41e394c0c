"""Whether a file that is kept is still the one that its server has."""

from __future__ import annotations

import os

import httpx

from tasks.acquire.common.http import Http
from tasks.acquire.common.refused import GONE
from tasks.acquire.common.signer import Signer, signed

REFRESH = "LANDLOOM_REFRESH"
"""Variable of the environment: ask servers whether kept files are current. `flows` sets it for `--force`."""


def renewed(
    url: str, etag: str | None, modified: str | None, total: int | None, http: Http, signer: Signer | None
) -> bool:
    """Whether the server has another file now. Asked in a refresh only; without an answer the kept file stays.

    Args:
        etag, modified, total: of the kept file, as the server stated them. The first of them that both the server
            and the record state decides.
    """
    if not os.environ.get(REFRESH):
        return False
    validators = {"If-None-Match": etag, "If-Modified-Since": modified}
    headers = {name: value for name, value in validators.items() if value}
    try:
        with http.open("GET", signed(url, signer), headers) as response:
            if not response.is_success:  # 304 Not Modified among them
                return response.status_code in GONE
            now = {name: response.headers.get(name) for name in ("etag", "last-modified", "content-length")}
    except httpx.TransportError:
        return False
    then = {"etag": etag, "last-modified": modified, "content-length": None if total is None else str(total)}
    told = [name for name in then if then[name] and now[name]]
    return bool(told) and then[told[0]] != now[told[0]]
