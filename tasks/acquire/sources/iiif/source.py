"""Scans as candidates: each is asked for in the size that is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from tasks.acquire.common.area import Area
from tasks.acquire.common.context import Context
from tasks.acquire.common.download import Expected
from tasks.acquire.common.http import is_web, plain
from tasks.acquire.common.source import Candidate, Delivery, Refusal, Source
from tasks.acquire.common.text import plain_text
from tasks.acquire.sources.iiif import loc, manifests
from tasks.acquire.sources.iiif.image import read_info, request
from tasks.acquire.sources.iiif.params import Params
from tasks.acquire.sources.iiif.scan import Scan
from tasks.formats.tables.licences import licence_name, partition_of


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The scans of a search, or of manifests. Scans have no place on Earth, so the area leaves none out."""
    return IiifSource(params, context)


class IiifSource:
    """Candidates of a search or of manifests, at most `limit`."""

    def __init__(self, params: Params, context: Context):
        self._params, self._http = params, context.http()
        self._downloads = context.downloads(self._http)

    def items(self) -> Iterator[Candidate]:
        """Scans in the order of the publisher. Descriptions of items are kept, so that a next run is quick."""
        params = self._params
        if params.manifests:
            found = manifests.scans(params.manifests, self._downloads.document, params.images_per_item)
        else:
            found = loc.scans(params, self._http.json, self._downloads.document)
        for scan in islice(found, params.limit):
            yield self._candidate(scan)

    def _candidate(self, scan: Scan) -> Candidate:
        make = partial(
            Candidate,
            key=scan.key,
            source="iiif",
            licence=licence_name(scan.licence),
            attribution=scan.attribution,
            layers=("color",),
            facts=scan.facts,
        )
        if scan.problem or not (scan.service or scan.file):
            return make(name="", url=scan.page, deliver=partial(_refuse, scan.problem or "it has no image"))
        address = scan.service or scan.file or ""
        if not is_web(address):
            return make(name="", deliver=partial(_refuse, f"{address[:200]} is no address of http or https"))
        name = f"{scan.key}{'.jpg' if scan.service else _suffix(scan.file or '')}"
        return make(name=name, url=plain(address), deliver=partial(self._fetch, scan, name))

    def _fetch(self, scan: Scan, name: str, folder: Path) -> Delivery:
        if not scan.service:
            return self._downloads.deliver(scan.file or "", folder / name, Expected())
        info = self._downloads.document(f"{scan.service}/info.json")
        service = read_info(info)
        _check_rights(info, scan.licence)
        url = scan.service + request(service, self._params.longest_px)
        return self._downloads.deliver(url, folder / name, Expected())


def _check_rights(info: Any, licence: str) -> None:
    """Refuse an image whose own licence is of another kind than that of its item."""
    own = plain_text(info.get("rights") or info.get("license"))
    if own and partition_of(own) != partition_of(licence):
        raise Refusal(f"its info.json states another licence ({own[:120]}) than its item ({licence[:120]})")


def _suffix(url: str) -> str:
    found = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    return found if re.fullmatch(r"\.(jpe?g|png|tiff?|webp|jp2)", found) else ".jpg"


def _refuse(reason: str, folder: Path) -> NoReturn:
    raise Refusal(reason)
