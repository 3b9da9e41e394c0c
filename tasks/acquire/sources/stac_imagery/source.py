"""Pictures from a STAC catalogue: the clearest scenes over the area, or medians of them, as rasters of 8 bits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tasks.acquire.common.area import Area
from tasks.acquire.common.context import Context
from tasks.acquire.common.http import plain
from tasks.acquire.common.source import Candidate, Delivery, Refusal, Source
from tasks.acquire.common.stac.catalogue import Catalogue, item_box
from tasks.acquire.common.stac.sign import PlanetaryComputer
from tasks.acquire.sources.stac_imagery.choose import scenes
from tasks.acquire.sources.stac_imagery.composite import compose
from tasks.acquire.sources.stac_imagery.params import Params
from tasks.acquire.sources.stac_imagery.products import PRODUCTS
from tasks.acquire.sources.stac_imagery.scene import Scene
from tasks.core.errors import LandloomError

_SEARCHES = 60  # of 10° a side: all of Europe has 24
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The product's scenes, as far as the area reaches."""
    return ImagerySource(params, area, context)


class ImagerySource:
    """One candidate for each scene, or for each place. See `tasks.acquire.sources.stac_imagery.params`."""

    def __init__(self, params: Params, area: Area, context: Context):
        self._params, self._area = params, area
        self._product = PRODUCTS[params.product]
        self._url = params.url or self._product.url
        # A catalogue that a person names is asked for its own files: the product's tokens are of another host.
        sign = params.sign or (self._product.sign if params.url is None else None)
        http = context.http()
        self._catalogue = Catalogue(self._url, http)
        self._ranges = context.ranges(http, PlanetaryComputer(http) if sign == "planetary-computer" else None)

    def items(self) -> Iterator[Candidate]:
        """Scenes by place, the clearest first; or one median a place."""
        params, product = self._params, self._product
        collection = params.collection or product.collection
        if (searches := len(self._area.searches())) > _SEARCHES:
            raise LandloomError(
                f"acquire.area: it takes {searches} searches of 10° to look for scenes in it; name the ground you want"
            )
        _, found = self._catalogue.search(collection, self._area, params.time)
        inside = [item for _, item in sorted(found.items()) if self._reaches(item)]
        places = scenes(inside, product, params)
        if not places:
            raise LandloomError(
                f"stac_imagery: {collection} at {self._url} has no scene in the area in {params.time} with at most "
                f"{params.max_cloud:g} % of cloud, and {len(inside)} with any; look at acquire.area, time and max_cloud"
            )
        for place, chosen in places.items():
            if params.compose == "median":
                key = f"{collection}_{place}_{params.time.replace('/', '_')}_median"
                yield self._candidate(re.sub(r"[^A-Za-z0-9._-]", "-", key), chosen)
            else:
                for item in chosen:
                    yield self._candidate(str(item["id"]), [item])

    def _reaches(self, item: dict[str, Any]) -> bool:
        box = item_box(item)
        return box is not None and self._area.intersects(*box)

    def _candidate(self, key: str, chosen: list[dict[str, Any]]) -> Candidate:
        days = sorted({str((item.get("properties") or {}).get("datetime"))[:10] for item in chosen})
        years = sorted({day[:4] for day in days})
        name = f"{key}.tif" if _ID.fullmatch(key) else ""
        links = [str(link.get("href")) for link in chosen[0].get("links") or [] if link.get("rel") == "self"]
        return Candidate(
            key=key,
            name=name,
            source="stac_imagery",
            licence=self._product.licence,
            attribution=self._product.attribution.format(years=", ".join(years)),
            layers=("color",),
            url=plain(links[0]) if links else None,
            deliver=partial(self._deliver, chosen, name),
            facts={"date": days[0] if len(days) == 1 else f"{days[0]}/{days[-1]}"},
        )

    def _deliver(self, chosen: list[dict[str, Any]], name: str, folder: Path) -> Delivery:
        if not name:
            raise Refusal("its id is no plain file name")
        left_out: dict[str, str] = {}
        with ExitStack() as stack:
            opened = []
            for item in chosen:
                try:
                    scene = Scene(item, self._product, self._params, self._url, self._ranges, stack)
                    if opened and scene.shift(opened[0].grid) is None:
                        raise Refusal("lies on another grid of pixels")
                    opened.append(scene)
                except Refusal as refusal:  # one of many views: the others make the median
                    if len(chosen) == 1:
                        raise
                    left_out[str(item["id"])] = str(refusal)
            if not opened:
                raise Refusal(f"none of its {len(chosen)} scenes can be read; the first: {min(left_out.items())}")
            compose(opened, self._area, self._params, folder / name, left_out)
        return Delivery()
