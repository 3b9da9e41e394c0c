"""Results of Openverse's search as candidates. Openverse has no pictures itself: they come from where they are.

https://api.openverse.org/v1/: `page`, `page_size`, `license`, `category`, `source`. Without a token, 20 results on a
page, 20 requests a minute and 200 a day.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn
from urllib.parse import unquote, urlencode, urlsplit

from tasks.acquire.common.area import Area
from tasks.acquire.common.blocks import Denied, Unreachable
from tasks.acquire.common.context import Context
from tasks.acquire.common.download import Expected
from tasks.acquire.common.http import host_of, is_web, plain
from tasks.acquire.common.source import Candidate, Delivery, Refusal, Source
from tasks.acquire.common.text import file_stem, plain_text
from tasks.acquire.sources.openverse.params import Params
from tasks.core.errors import LandloomError
from tasks.formats.tables.licences import licence_name

TOKEN = "OPENVERSE_TOKEN"
"""Variable of the environment with the access token of a registered client, for higher limits."""

_PAGE = 20  # results on a page; anonymous callers get no more
_SUFFIX = re.compile(r"\.(jpe?g|png|webp|tiff?)")


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The results of a search. Photographs need no place on Earth, so the area leaves none out."""
    return OpenverseSource(params, context)


class OpenverseSource:
    """Candidates of one search, at most `limit`."""

    def __init__(self, params: Params, context: Context):
        self._params, self._http = params, context.http()
        self._downloads = context.downloads(self._http)

    def items(self) -> Iterator[Candidate]:
        """Results in the order of the search, each once."""
        seen: set[str] = set()
        for result in islice(self._results(), self._params.limit):
            key = file_stem(f"openverse-{result.get('id')}")
            if key not in seen:
                seen.add(key)
                yield self._candidate(key, result)

    def _results(self) -> Iterator[dict[str, Any]]:
        params = self._params
        query = {"q": params.query, "license": ",".join(params.licences), "page_size": str(_PAGE)}
        query |= {"category": ",".join(params.categories), "source": ",".join(params.sources)}
        asked = {name: value for name, value in query.items() if value}
        token = os.environ.get(TOKEN, "").strip()
        headers = {"Authorization": f"Bearer {token}"} if token else None
        for page in range(1, -(-params.limit // _PAGE) + 1):
            answer = self._http.json(f"{params.url}?{urlencode(asked | {'page': str(page)})}", headers)
            if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
                raise LandloomError(f"openverse: {params.url} answers with no search results")
            yield from (result for result in answer["results"] if isinstance(result, dict))
            pages = answer.get("page_count")
            if not isinstance(pages, int) or page >= pages:
                return

    def _candidate(self, key: str, result: dict[str, Any]) -> Candidate:
        code, version = str(result.get("license") or ""), result.get("license_version")
        licence = licence_name(code, version if code not in ("cc0", "pdm") else None)
        make = partial(
            Candidate,
            key=key,
            source="openverse",
            licence=licence,
            attribution=_attribution(result, licence),
            layers=("color",),
            facts={"title": title} if (title := plain_text(result.get("title"))) else {},
        )
        url = str(result.get("url") or "")
        if not is_web(url):
            return make(name="", deliver=partial(_refuse, "Openverse gives no address of the picture"))
        if code not in self._params.licences:
            return make(name="", url=plain(url), deliver=partial(_refuse, f"its licence {code!r} was not asked for"))
        name = f"{key}{_suffix(url, str(result.get('filetype') or ''))}"
        return make(name=name, url=plain(url), deliver=partial(self._fetch, url, name))

    def _fetch(self, url: str, name: str, folder: Path) -> Delivery:
        try:
            return self._downloads.deliver(url, folder / name, Expected())
        except Denied as denied:  # one host of many, so the others go on
            raise Refusal(f"its host turned us away: {denied}") from None
        except Unreachable as error:
            self._http.blocks.leave(host_of(url), str(error))
            raise Refusal(f"its host stays away: {error}") from None


def _attribution(result: dict[str, Any], licence: str) -> str:
    """Openverse's own sentence and the page of the picture; where there is no sentence, one of the same parts."""
    text = plain_text(result.get("attribution"))
    if not text:
        title, creator = plain_text(result.get("title")) or "untitled", plain_text(result.get("creator"))
        text = f"“{title}”{f' by {creator}' if creator else ''}, {licence}"
    page = result.get("foreign_landing_url")
    return f"{text} {page}" if isinstance(page, str) and page not in text else text


def _suffix(url: str, filetype: str) -> str:
    found = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    if _SUFFIX.fullmatch(found):
        return found
    return f".{filetype.lower()}" if _SUFFIX.fullmatch(f".{filetype.lower()}") else ".jpg"


def _refuse(reason: str, folder: Path) -> NoReturn:
    raise Refusal(reason)
