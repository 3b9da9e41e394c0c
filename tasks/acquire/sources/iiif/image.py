"""The IIIF Image API, versions 2 and 3: which request gives a whole image in the size that is needed.

Sections: https://iiif.io/api/image/2.1/ (4.2 size, 5.2 to 5.4 information) and https://iiif.io/api/image/3.0/ (4.2, 5.2
to 5.7). Compliance: level 0 serves listed sizes and the full one, level 1 also `w,` and `,h`, level 2 also `!w,h`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tasks.acquire.common.source import Refusal

_CONFINED = {"sizeByConfinedWh"}  # `!w,h`; version 2.0 called it sizeByWh, which means `w,h` since 2.1
_BY_LEVEL = ((), ("sizeByW", "sizeByH"), ("sizeByW", "sizeByH", "sizeByConfinedWh"))


@dataclass(frozen=True)
class Service:
    """What an `info.json` says.

    Attributes:
        version: of the API, 2 or 3. size: width and height of the whole image in pixels.
        most: largest width, height and area that may be asked for; null without a limit.
        listed: sizes (width, height) that the service holds ready, from small to large.
        features: names of the size features that it supports.
    """

    version: int
    size: tuple[int, int]
    most: tuple[int | None, int | None, int | None]
    listed: tuple[tuple[int, int], ...]
    features: frozenset[str]


def read_info(info: Any) -> Service:
    """Read an `info.json`. Raise `Refusal` where it is none of version 2 or 3."""
    try:
        version = _version(info)
        size = (int(info["width"]), int(info["height"]))
        profiles = info.get("profile") or []
        profiles = profiles if isinstance(profiles, list) else [profiles]
        described = [info, *(part for part in profiles if isinstance(part, dict))]
        level = next((int(found[1]) for part in profiles if (found := re.search(r"level([012])", str(part)))), 0)
        features = set(_BY_LEVEL[level])
        for part in described:
            features.update(part.get("supports") or [], part.get("extraFeatures") or [])
        width, height, area = (_least(described, name) for name in ("maxWidth", "maxHeight", "maxArea"))
        listed = {(int(one["width"]), int(one["height"])) for one in info.get("sizes") or []}
        listed |= _single_tiles(info, size)
        if min(size) < 1:
            raise ValueError("no size")
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, OverflowError) as error:
        raise Refusal(f"its info.json is not of the IIIF Image API 2 or 3 ({type(error).__name__}: {error})") from None
    return Service(version, size, (width, height or width, area), tuple(sorted(listed)), frozenset(features))


def request(service: Service, longest: int) -> str:
    """The rest of the URL, after the service's own, that gives the whole image with about `longest` pixels.

    The image is never enlarged, and the service's limits are never exceeded. Services that scale give `longest` pixels
    along the longest side, or less where the limits want it; others give the smallest listed size that is no smaller.
    """
    wanted = _fit(service, longest)
    if wanted == service.size:
        return _path("max" if service.version == 3 else "full")
    if "sizeByConfinedWh" in service.features:
        width, height = _box(service, longest, wanted)
        return _path(f"!{width},{height}")
    if "sizeByW" in service.features:
        return _path(f"{wanted[0]},")
    if "sizeByH" in service.features:
        return _path(f",{wanted[1]}")
    enough = [size for size in service.listed if max(size) >= max(wanted)]
    if service.listed and (enough or any(service.most)):
        width, height = enough[0] if enough else service.listed[-1]
        if (width, height) != service.size:
            # The canonical form of a listed size is `w,h` in version 3 and `w,` in version 2.
            return _path(f"{width},{height}" if service.version == 3 else f"{width},")
    return _path("max" if service.version == 3 or any(service.most) else "full")


def _box(service: Service, longest: int, wanted: tuple[int, int]) -> tuple[int, int]:
    """The box for `!w,h`. The service fits the image in, so that no side is rounded twice."""
    width, height, area = service.most
    box = (min(longest, width or longest), min(longest, height or longest))
    return wanted if area and wanted[0] * wanted[1] > 0.98 * area else box


def _fit(service: Service, longest: int) -> tuple[int, int]:
    """Width and height of the request: within `longest`, the image's own size and the service's limits."""
    width, height = service.size
    most_width, most_height, most_area = service.most
    scales = [1.0, longest / max(width, height)]
    scales += [most_width / width] if most_width else []
    scales += [most_height / height] if most_height else []
    scales += [(most_area / (width * height)) ** 0.5] if most_area else []
    scale = min(scales)
    if scale == 1:
        return width, height
    return max(1, int(width * scale + 1e-9)), max(1, int(height * scale + 1e-9))


def _version(info: Any) -> int:
    context = info.get("@context", "")
    text = " ".join(context if isinstance(context, list) else [str(context)]) + str(info.get("type", ""))
    if "image/3/" in text or "ImageService3" in text:
        return 3
    if "image/2/" in text:
        return 2
    raise ValueError(f"@context {text[:80]!r}")


def _least(parts: list[dict[str, Any]], name: str) -> int | None:
    found = [int(part[name]) for part in parts if part.get(name)]
    return max(1, min(found)) if found else None


def _single_tiles(info: Any, size: tuple[int, int]) -> set[tuple[int, int]]:
    """Sizes at which one tile holds the whole image. A service must give the sizes that its tiles imply."""
    sizes = set()
    for tile in info.get("tiles") or []:
        most = (int(tile["width"]), int(tile.get("height") or tile["width"]))
        for factor in tile.get("scaleFactors") or []:
            small = (-(-size[0] // int(factor)), -(-size[1] // int(factor)))
            if small[0] <= most[0] and small[1] <= most[1]:
                sizes.add(small)
    return sizes


def _path(size: str) -> str:
    return f"/full/{size}/0/default.jpg"
