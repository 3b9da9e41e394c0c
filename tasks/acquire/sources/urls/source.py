"""Published rasters by their addresses: single files, or members of zips."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from tasks.acquire.common.archive import extract
from tasks.acquire.common.area import Area
from tasks.acquire.common.context import Context
from tasks.acquire.common.download import Expected
from tasks.acquire.common.http import plain
from tasks.acquire.common.sidecars import SIDECARS
from tasks.acquire.common.source import Candidate, Delivery, Source
from tasks.acquire.sources.urls.params import Params, UrlRaster
from tasks.core.errors import LandloomError


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The rasters of the list; the stage leaves out those outside the area once it knows where they lie."""
    return UrlSource(params, context)


class UrlSource:
    """One candidate for each raster of the list, in its order."""

    def __init__(self, params: Params, context: Context):
        self._rasters, self._max = params.rasters, context.max_bytes
        self._downloads = context.downloads(context.http())

    def items(self) -> Iterator[Candidate]:
        """Candidates by the name of the file that they bring."""
        names = [PurePosixPath(raster.member or unquote(urlsplit(raster.url).path)).name for raster in self._rasters]
        for name, raster in zip(names, self._rasters, strict=True):
            if not name or names.count(name) > 1:
                raise LandloomError(f"source.rasters: {raster.url} would get the name {name!r}, which is not unique")
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
