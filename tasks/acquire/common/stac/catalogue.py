"""A STAC API with a search endpoint, asked through the one HTTP client of the stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from tasks.acquire.common.area import Area
from tasks.acquire.common.http import Http
from tasks.core.errors import LandloomError

MAX_PAGES = 1000  # of one search; a catalogue that goes on longer goes round in circles
_PAGE = 100

Box = tuple[float, float, float, float]


class Catalogue:
    """The catalogue at an address."""

    def __init__(self, url: str, http: Http):
        self._url, self._http = url, http

    def search(
        self, collection: str, area: Area, datetime: str | None = None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Return the collection, and every item of it that its search finds in the area, by id.

        Items are asked for a few degrees at a time, because servers time out on large areas.

        Args:
            datetime: an interval as RFC 3339 writes it, `2024-05-01/2024-09-30`; null for any time.

        Raises:
            LandloomError: this is no STAC API, it has no such collection, or it cannot be reached.
        """
        found: dict[str, dict[str, Any]] = {}
        try:
            client = Client.open(self._url, stac_io=PoliteIO(self._http))
            described = client.get_collection(collection).to_dict()
            for box in area.searches():
                search = client.search(collections=[collection], bbox=box, datetime=datetime, limit=_PAGE)
                for item in self._items(search.pages_as_dicts()):
                    found.setdefault(str(item["id"]), _tidy(item))
        except (APIError, KeyError, TypeError, ValueError, AttributeError, NotImplementedError) as error:
            raise LandloomError(
                f"stac: {self._url} is not a usable STAC API: {' '.join(str(error).split())[:300]}"
            ) from None
        return described, found

    def _items(self, pages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for number, page in enumerate(pages):
            if number >= MAX_PAGES:
                raise LandloomError(f"stac: {self._url} goes on for more than {MAX_PAGES} pages; is its paging broken?")
            yield from page["features"]


def _tidy(item: dict[str, Any]) -> dict[str, Any]:
    """An item whose parts have the types of the specification; a part of another type counts as missing."""
    links, assets = item.get("links"), item.get("assets")
    return {
        **item,
        "properties": item["properties"] if isinstance(item.get("properties"), dict) else {},
        "assets": {str(name): asset for name, asset in assets.items()} if isinstance(assets, dict) else {},
        "links": [link for link in links if isinstance(link, dict)] if isinstance(links, list) else [],
    }


class PoliteIO(StacApiIO):
    """pystac-client's reads, through the one HTTP client; never a local file, whatever a link says."""

    def __init__(self, http: Http):
        super().__init__()
        self._http = http

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """One answer as text."""
        if urlsplit(href).scheme not in ("http", "https"):
            raise LandloomError(f"stac: the catalogue points at {href}, which is not on the web; it is not followed")
        method = (method or "GET").upper()
        body = {"json": parameters} if method == "POST" else {"params": parameters} if parameters else {}
        return self._http.text(method, href, **body)

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        """The base class opens what is no URL as a file; this one asks, and is turned down."""
        if isinstance(source, str) and urlsplit(source).scheme not in ("http", "https"):
            return self.request(source)
        return super().read_text(source, *args, **kwargs)


def item_box(item: dict[str, Any]) -> Box | None:
    """West, south, east, north of an item; None where it has no usable bbox."""
    box = item.get("bbox")
    if not isinstance(box, list) or len(box) not in (4, 6) or not all(isinstance(value, int | float) for value in box):
        return None
    west, south, east, north = flat_box(box)
    return (west, south, east, north) if -91 < south < north < 91 and -361 < west < 361 and -361 < east < 361 else None


def flat_box(box: list[float]) -> Box:
    """A box without its heights."""
    west, south, east, north = (box[0], box[1], box[3], box[4]) if len(box) == 6 else box
    return float(west), float(south), float(east), float(north)
