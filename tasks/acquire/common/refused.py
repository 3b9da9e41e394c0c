"""Answers that bring no file: what they mean for the request, for the file and for the run."""

from __future__ import annotations

import httpx

from tasks.acquire.common.http import THROTTLED, TRANSIENT, Attempts, Http, retry_after
from tasks.acquire.common.signer import Signer
from tasks.acquire.common.source import Absent, Refusal

GONE = (404, 410)
_UNFIT = (400, 406, 415, 422, 501)


def turned_down(url: str, response: httpx.Response, http: Http, attempts: Attempts, signer: Signer | None) -> None:
    """Handle an answer whose status brings neither the file nor a part of it. A return means: ask again.

    Raises:
        Absent: the server has no such file. Refusal: it does not give this one.
        Denied: the host turns us away. Unreachable: it has failed too often.
    """
    status = response.status_code
    if status in GONE:
        raise Absent(f"the server answers {status}: it is not there")
    if status in _UNFIT:
        raise Refusal(f"the server answers {status}: it does not give this file")
    if status in TRANSIENT:
        attempts.failed(f"answers {status}", retry_after(response), throttled=status in THROTTLED)
    elif status in (401, 403) and signer:
        signer.renew(url)
        attempts.failed(f"answers {status} to a signed request")
    else:
        http.deny(url, f"answers {status}")
