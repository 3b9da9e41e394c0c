"""A MediaWiki on loopback, with the parts of the action API that serve files."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from tests.acquire.published import size_of
from tests.acquire.server import Handler, Server, file_route

LICENCES = {
    "cc-by-sa-4.0": ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0"),
    "cc-by-2.0": ("CC BY 2.0", "https://creativecommons.org/licenses/by/2.0"),
    "pd": ("Public domain", None),
}


class Wiki:
    """Files in categories. An answer has `batch` files, and their `imageinfo` only for `described` of them."""

    def __init__(self, server: Server, batch: int = 3, described: int = 2):
        self.server, self.batch, self.described = server, batch, described
        self.files: dict[int, dict[str, Any]] = {}
        self.categories: dict[str, list[int]] = {}
        self.below: dict[str, list[str]] = {}
        self.queries: list[dict[str, str]] = []
        self.lag = 0  # answers that complain of lag before the next real one
        self.url = f"{server.url}/w/api.php"
        server.routes["/w/api.php"] = self._answer

    def add(self, title: str, category: str, body: bytes, licence: str = "cc-by-sa-4.0", **meta: str | None) -> int:
        """Publish a file; `meta` replaces fields of its extmetadata. Returns its page id."""
        number = len(self.files) + 1
        name = quote(title.replace(" ", "_"))
        self.server.routes[f"/full/{name}"] = file_route(body)
        self.server.routes[f"/thumb/{name}"] = file_route(body)
        short, url = LICENCES[licence]
        fields = {"LicenseShortName": short, "License": licence, "LicenseUrl": url}
        fields |= {"Artist": f'<a href="//x/User:A">Ansel of {title[0]}</a>', "DateTimeOriginal": "1911-07-02", **meta}
        width, height = size_of(body)
        info = {"url": f"{self.server.url}/full/{name}", "mime": "image/jpeg", "width": width, "height": height}
        info |= {"size": len(body), "descriptionurl": f"{self.server.url}/wiki/File:{name}"}
        info["extmetadata"] = {key: {"value": value, "source": "x"} for key, value in fields.items() if value}
        self.files[number] = {"pageid": number, "ns": 6, "title": f"File:{title}", "imageinfo": [info]}
        self.categories.setdefault(category, []).append(number)
        return number

    def _answer(self, handler: Handler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        self.queries.append(query)
        if self.lag:
            self.lag -= 1
            error = {"code": "maxlag", "info": "Waiting for db1: 7 seconds lagged", "lag": 7}
            handler.answer(200, _json({"error": error}), Content_Type="application/json", Retry_After="1")
        elif query.get("list") == "categorymembers":
            members = self.below.get(query["cmtitle"].removeprefix("Category:"), [])
            listed = [{"ns": 14, "title": f"Category:{name}"} for name in members]
            handler.json({"batchcomplete": True, "query": {"categorymembers": listed}})
        elif "generator" in query:
            handler.json(self._generated(query))
        else:
            handler.json({"error": {"code": "badvalue", "info": "Unrecognized value"}})

    def _generated(self, query: dict[str, str]) -> dict[str, Any]:
        search = query["generator"] == "search"
        numbers = sorted(self.files) if search else self.categories.get(query["gcmtitle"].removeprefix("Category:"), [])
        offset = "gsroffset" if search else "gcmcontinue"
        first, more = int(query.get(offset, 0)), int(query.get("iicontinue", 0))
        batch = numbers[first : first + self.batch]
        pages = []
        for place, number in enumerate(batch):
            page = {name: value for name, value in self.files[number].items() if name != "imageinfo"}
            if more <= place < more + self.described:
                page["imageinfo"] = [self._scaled(info, query) for info in self.files[number]["imageinfo"]]
            pages.append(page | ({"index": first + place + 1} if search else {}))
        answer: dict[str, Any] = {"query": {"pages": pages[::-1]}}
        if more + self.described < len(batch):
            answer["continue"] = {offset: first, "iicontinue": more + self.described, "continue": f"{offset}||"}
            return answer
        answer["batchcomplete"] = True
        if first + self.batch < len(numbers):
            answer["continue"] = {offset: first + self.batch, "continue": "-||"}
        return answer

    @staticmethod
    def _scaled(info: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        small = info["width"] <= int(query["iiurlwidth"])
        return {**info, "thumburl": info["url"] if small else info["url"].replace("/full/", "/thumb/")}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
