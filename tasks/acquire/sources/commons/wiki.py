"""The MediaWiki action API: files of a search or a category, page by page.

https://www.mediawiki.org/wiki/API:Query (generators and `continue`), API:Imageinfo, API:Etiquette and
Manual:Maxlag_parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from tasks.acquire.common.http import Http
from tasks.acquire.sources.commons.params import Params
from tasks.core.errors import LandloomError

_BATCH = 50  # files in one answer: the API scales no more thumbnails at a time
_MAX_ANSWERS = 2000
_BUSY = {"maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryTimeoutError"}
_FILES = {
    "prop": "imageinfo",
    "iiprop": "url|size|sha1|mime|extmetadata",
    "iiextmetadatalanguage": "en",
}
Json = dict[str, Any]


class Wiki:
    """One wiki. Requests go one after the other, and wait while its databases lag."""

    def __init__(self, params: Params, http: Http):
        self._params, self._http = params, http

    def files(self) -> Iterator[Json]:
        """Pages of files with their `imageinfo`, each file once: of the search, then of each category."""
        seen: set[int] = set()
        for query in self._queries():
            for page in self._pages({**query, **_FILES, "iiurlwidth": str(self._params.width)}):
                if page["pageid"] not in seen:
                    seen.add(page["pageid"])
                    yield page

    def _queries(self) -> Iterator[dict[str, str]]:
        if self._params.search:
            words = f"filetype:bitmap {self._params.search}"
            yield {"generator": "search", "gsrsearch": words, "gsrnamespace": "6", "gsrlimit": str(_BATCH)}
        for category in self._categories():
            query = {"generator": "categorymembers", "gcmtitle": category, "gcmtype": "file", "gcmlimit": str(_BATCH)}
            yield query | {"gcmsort": "sortkey"}

    def _categories(self) -> Iterator[str]:
        """The categories and, level by level, those below them; each once."""
        level = [f"Category:{name.removeprefix('Category:')}" for name in self._params.categories]
        seen = set(level)
        for depth in range(self._params.subcategories + 1):
            yield from level
            if depth == self._params.subcategories:
                return
            below: list[str] = []
            for category in level:
                query = {"list": "categorymembers", "cmtitle": category, "cmtype": "subcat", "cmlimit": "500"}
                for answer in self._answers(query):
                    below += [str(member["title"]) for member in answer.get("query", {}).get("categorymembers", [])]
            level = [name for name in dict.fromkeys(below) if name not in seen]
            seen.update(level)

    def _pages(self, query: dict[str, str]) -> Iterator[Json]:
        """Pages of a generator. An answer may hold pages without all of their properties; the next ones add these."""
        batch: dict[int, Json] = {}
        for answer in self._answers(query):
            for page in answer.get("query", {}).get("pages", []):
                if "pageid" in page:  # a title without a page has none
                    batch.setdefault(int(page["pageid"]), {}).update(page)
            if "batchcomplete" in answer:
                # A search numbers its hits, and the pages come in another order.
                yield from sorted(batch.values(), key=lambda page: (page.get("index", 0), page["title"]))
                batch = {}
        yield from batch.values()

    def _answers(self, query: dict[str, str]) -> Iterator[Json]:
        fixed = {"action": "query", "format": "json", "formatversion": "2", "maxlag": "5", **query}
        further: dict[str, str] = {}
        for _ in range(_MAX_ANSWERS):
            answer = self._http.json(f"{self._params.url}?{urlencode(fixed | further)}", busy=_busy)
            if not isinstance(answer, dict):
                raise LandloomError(f"commons: {self._params.url} is no action API of a MediaWiki")
            if "error" in answer:
                error = answer["error"]
                raise LandloomError(f"commons: {self._params.url}: {error.get('code')}: {error.get('info')}")
            yield answer
            if "continue" not in answer:
                return
            further = {name: str(value) for name, value in answer["continue"].items()}
        raise LandloomError(f"commons: {self._params.url} goes on for more than {_MAX_ANSWERS} answers")


def _busy(answer: Any) -> str | None:
    """Why the wiki asks to come again later; it says so with status 200."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict) and error.get("code") in _BUSY:
        return f"asks to wait ({error['code']}: {str(error.get('info'))[:120]})"
    return None
