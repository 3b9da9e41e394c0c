"""Published rasters by their addresses: single files, or members of zips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from tasks.acquire.common.archive import extract
from tasks.acquire.common.download import Downloads, Expected
from tasks.acquire.common.http import Http, plain
from tasks.acquire.common.source import Candidate, Delivery
from tasks.acquire.params import UrlRaster
from tasks.acquire.sources.files.source import SIDECARS
from tasks.core.errors import LandloomError


class UrlSource:
    """One candidate for each raster of the list, in its order."""

    def __init__(self, rasters: Sequence[UrlRaster], http: Http, downloads: Path, max_bytes: int):
        self._rasters, self._max = rasters, max_bytes
        self._downloads = Downloads(downloads, http, max_bytes)

    def items(self) -> Iterator[Candidate]:
        """Candidates by the name of the file that they bring."""
        names = [PurePosixPath(raster.member or unquote(urlsplit(raster.url).path)).name for raster in self._rasters]
        for name, raster in zip(names, self._rasters, strict=True):
            if not name or names.count(name) > 1:
                raise LandloomError(f"acquire.urls: {raster.url} would be named {name!r}, which is no name of its own")
            yield Candidate(
                key=name,
                name=name,
                source="urls",
                licence=raster.licence,
                attribution=raster.attribution,
                layers=(raster.layer,),
                url=plain(raster.url),
                override=raster.override,
                deliver=partial(self._fetch, raster, name),
            )

    def _fetch(self, raster: UrlRaster, name: str, folder: Path) -> Delivery:
        if raster.member is None:
            return self._downloads.deliver(raster.url, folder / name, Expected())
        archive = folder / ".archive.zip"
        delivery = self._downloads.deliver(raster.url, archive, Expected())
        extract(archive, raster.member, folder, self._max, SIDECARS)
        archive.unlink()
        return Delivery(delivery.etag, delivery.modified, None, delivery.forget)  # the hash is the zip's
