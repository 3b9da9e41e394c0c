"""Limits that services publish for their hosts. They hold for every source, whatever its parameters allow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """What one host bears from one user.

    Attributes:
        gap_s: seconds between two requests.
        connections: requests at the same time.
        bytes_per_s: mean speed; null where only the number of requests is limited.
    """

    gap_s: float
    connections: int
    bytes_per_s: float | None = None


PUBLISHED = {
    # https://www.loc.gov/apis/json-and-yaml/working-within-limits/: items 10 in 10 s (blocked for 5 minutes) and 200 a
    # minute (blocked for an hour), search 20 in 10 s and 80 a minute. 40 a minute stay below each.
    "www.loc.gov": Limit(1.5, 1),
    # Image services: 150 a minute by secondary sources; the page above names no figure. 120 a minute stay below.
    "tile.loc.gov": Limit(0.5, 2),
    # https://www.mediawiki.org/wiki/API:Etiquette: requests in series, no fixed rate.
    "commons.wikimedia.org": Limit(1.0, 1),
    # https://wikitech.wikimedia.org/wiki/Robot_policy: media at most 2 at a time and 25 Mbit/s.
    "upload.wikimedia.org": Limit(0.5, 2, 25e6 / 8),
    # https://api.openverse.org: anonymous callers 20 a minute and 200 a day. The day's limit answers 429.
    "api.openverse.org": Limit(3.0, 1),
    # https://operations.osmfoundation.org/policies/nominatim/: 1 request a second for the whole application.
    "nominatim.openstreetmap.org": Limit(1.0, 1),
}
"""By host name."""


def limit_of(host: str, per_second: float, connections: int) -> Limit:
    """The stricter of what the parameters allow and what the host publishes. `host` may end with a port."""
    known = PUBLISHED.get(host.rsplit(":", 1)[0], Limit(0.0, connections))
    return Limit(max(1 / per_second, known.gap_s), min(connections, known.connections), known.bytes_per_s)
