"""Checks, within seconds and before any work starts, that the servers of a flow answer."""

from __future__ import annotations

import httpx

from tasks.core.errors import LandloomError
from tasks.runs.secrets import redact

_ANSWER_S = 5.0


def check_prefect() -> None:
    """Raise LandloomError where the configured Prefect server does not answer; without one, do nothing."""
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if url and (reason := silent(f"{url.rstrip('/')}/health")):
        raise LandloomError(
            f"Prefect ({redact(url)}) is unreachable, so no flow can be recorded there: {reason}. Start it, unset "
            "PREFECT_API_URL to let the flow bring its own server, or run `dvc repro`, which needs none"
        )


def silent(url: str) -> str | None:
    """None where `url` answers with a status below 500; else the reason in words."""
    try:
        status = httpx.get(url, timeout=_ANSWER_S).status_code
    except httpx.HTTPError as error:
        return redact(str(error) or type(error).__name__)
    return f"it answers with status {status}" if status >= 500 else None
