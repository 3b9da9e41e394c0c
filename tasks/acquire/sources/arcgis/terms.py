"""Terms of known services, by the host that serves them."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from tasks.acquire.sources.arcgis.params import Params
from tasks.core.errors import LandloomError


class Terms(NamedTuple):
    """What a service asks of those who use its pictures. `binding` is where terms to accept stand."""

    licence: str
    binding: str | None = None


ESRI = Terms(
    "Esri Master Agreement, not for publication",
    "https://www.arcgis.com/home/termsofuse.html",
)
HOSTS = {
    "nationalmap.gov": Terms("public domain (USGS)"),
    "usgs.gov": Terms("public domain (USGS)"),
    "usda.gov": Terms("public domain (USDA)"),
    "arcgisonline.com": ESRI,
    "basemaps.arcgis.com": ESRI,
    "basemaps-api.arcgis.com": ESRI,
    "ibasemaps-api.arcgis.com": ESRI,
    "tiledbasemaps.arcgis.com": ESRI,
}
"""The end of a host's name, and its terms. Federal works of the USA are in the public domain."""


def accepted_terms(params: Params) -> str:
    """Return the licence of the service's pictures, for the ledger.

    Raises:
        LandloomError: the service has terms, and the parameters do not accept them.
    """
    host = urlsplit(params.url).hostname or ""
    known = [terms for end, terms in HOSTS.items() if host == end or host.endswith(f".{end}")]
    if not known:
        return params.licence or "not stated"
    if known[0].binding and not params.accept_terms:  # Esri: "may not otherwise scrape, download, or store Data"
        raise LandloomError(
            f"source.accept_terms: {host} serves under terms that bind you ({known[0].binding}); read whether they "
            "allow what you want to do, and if so set accept_terms: true. The pictures must not be published"
        )
    return known[0].licence
