"""A library on loopback: image services of the IIIF Image API 2 and 3, manifests, and the JSON API of loc.gov."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from PIL import Image

from tests.acquire.published import encoded
from tests.acquire.server import Handler, Server, file_route


@dataclass
class Held:
    """One image of the library, and what its service allows."""

    body: bytes
    version: int = 3
    level: int = 2
    limits: tuple[tuple[str, int], ...] = ()  # maxWidth, maxHeight, maxArea
    sizes: tuple[tuple[int, int], ...] = ()
    tiles: tuple[int, tuple[int, ...]] | None = None  # width and scale factors
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        return Image.open(io.BytesIO(self.body)).size


class Library:
    """Image services below `/iiif/<name>`. `asked` lists the size parameters of all image requests."""

    def __init__(self, server: Server):
        self.server, self.images, self.asked = server, dict[str, Held](), list[str]()
        server.routes["/iiif/*"] = self._image

    def service(self, name: str) -> str:
        return f"{self.server.url}/iiif/{name}"

    def hold(self, name: str, body: bytes, **options: Any) -> str:
        """Publish an image; returns the address of its service."""
        self.images[name] = Held(body, **options)
        return self.service(name)

    def info(self, name: str) -> dict[str, Any]:
        """The `info.json`, as section 5 of each version of the specification says."""
        held = self.images[name]
        width, height = held.size
        info: dict[str, Any] = {"protocol": "http://iiif.io/api/image", "width": width, "height": height}
        if held.sizes:
            info["sizes"] = [{"width": w, "height": h} for w, h in held.sizes]
        if held.tiles:
            info["tiles"] = [{"width": held.tiles[0], "scaleFactors": list(held.tiles[1])}]
        if held.version == 3:
            info |= {"@context": "http://iiif.io/api/image/3/context.json", "id": self.service(name)}
            info |= {"type": "ImageService3", "profile": f"level{held.level}", **dict(held.limits)}
        else:
            info |= {"@context": "http://iiif.io/api/image/2/context.json", "@id": self.service(name)}
            info["profile"] = [f"http://iiif.io/api/image/2/level{held.level}.json"]
            info["profile"] += [dict(held.limits)] if held.limits else []
        return info | dict(held.extra)

    def _image(self, handler: Handler) -> None:
        name, _, rest = unquote(urlsplit(handler.path).path).removeprefix("/iiif/").partition("/")
        if name not in self.images:
            handler.answer(404, b"no such image")
        elif rest == "info.json":
            handler.json(self.info(name))
        elif not (found := re.fullmatch(r"full/([^/]+)/0/default\.jpg", rest)):
            handler.answer(400, b"only whole images here")
        else:
            self.asked.append(found[1])
            size = self._size(self.images[name], found[1])
            if isinstance(size, int):
                handler.answer(size, b"no such size")
            else:
                file_route(rendered(self.images[name].body, size), Content_Type="image/jpeg")(handler)

    def _size(self, held: Held, asked: str) -> tuple[int, int] | int:
        """The size that a request gives, or the status of the error, by section 4.2 and the compliance levels."""
        width, height = held.size
        limits = dict(held.limits)
        most_width = limits.get("maxWidth", width)
        most_height = limits.get("maxHeight", limits.get("maxWidth", height))
        area = limits.get("maxArea", width * height)
        listed = set(held.sizes)
        if held.tiles:
            listed |= {(-(-width // factor), -(-height // factor)) for factor in held.tiles[1]}
        if asked == "max" and (held.version == 3 or held.limits):
            scale = min(1, most_width / width, most_height / height, (area / (width * height)) ** 0.5)
            return int(width * scale), int(height * scale)
        if asked == "full":
            return (width, height) if held.version == 2 and not limits else 400
        found = re.fullmatch(r"(!?)(\d*),(\d*)", asked)
        if not found:
            return 400
        confined, wanted_width, wanted_height = bool(found[1]), int(found[2] or 0), int(found[3] or 0)
        if not confined and (wanted_width, wanted_height) in listed and held.version == 3:
            return wanted_width, wanted_height
        if not confined and not wanted_height and held.version == 2:
            for size in listed:
                if size[0] == wanted_width:
                    return size
        if held.level == 0 or (confined and held.level < 2):
            return 501
        scale = min([1.0] + [want / whole for want, whole in ((wanted_width, width), (wanted_height, height)) if want])
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if size[0] > most_width or size[1] > most_height or size[0] * size[1] > area:
            return 400
        return size


@cache
def rendered(body: bytes, size: tuple[int, int]) -> bytes:
    """A picture in another size, as JPEG; the file itself in its own."""
    image = Image.open(io.BytesIO(body))
    return body if size == image.size else encoded(image.convert("RGB").resize(size, Image.Resampling.BOX))


class Loc:
    """The JSON API of loc.gov: a search at `/maps/`, and its items."""

    def __init__(self, library: Library, per_page: int = 3):
        self.library, self.server, self.per_page = library, library.server, per_page
        self.items: dict[str, dict[str, Any]] = {}
        self.queries: list[dict[str, list[str]]] = []
        self.server.routes["/maps/"] = self._search
        self.server.routes["/item/*"] = self._item

    def add(self, name: str, services: list[str], **facts: Any) -> None:
        """Publish an item; `facts` replace fields of its description."""
        files = [
            [
                {"url": f"{one}/full/pct:12.5/0/default.jpg", "mimetype": "image/jpeg"},
                {"url": f"{self.server.url}/storage/{name}.jp2", "mimetype": "image/jp2"},
            ]
            for one in services
        ]
        item = {"title": f"Sheet {name}", "date": "1911", "language": ["english"], "access_restricted": False}
        item |= {
            "contributor_names": ["Survey of Somewhere"],
            "rights_advisory": "No known restrictions on publication.",
        }
        self.items[name] = {"item": item | facts, "resources": [{"files": files}]}

    def _search(self, handler: Handler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        self.queries.append(query)
        page, names = int(query.get("sp", ["1"])[0]), sorted(self.items)
        first = (page - 1) * self.per_page
        following = None
        if first + self.per_page < len(names):
            rest = "&".join(f"{name}={values[0]}" for name, values in query.items() if name != "sp")
            following = f"{self.server.url}/maps/?{rest}&sp={page + 1}"
        results: list[dict[str, Any]] = [
            {"id": f"{self.server.url}/item/{name}/", "url": f"{self.server.url}/item/{name}/"}
            for name in names[first : first + self.per_page]
        ]
        if page == 1:
            results.insert(0, {"id": f"{self.server.url}/collections/maps/", "title": "a collection, and no item"})
        handler.json({"results": results, "pagination": {"next": following, "current": page}})

    def _item(self, handler: Handler) -> None:
        name = urlsplit(handler.path).path.removeprefix("/item/").strip("/")
        if name in self.items:
            handler.json(self.items[name])
        else:
            handler.answer(404, b"{}")
