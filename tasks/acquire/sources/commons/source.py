"""Files of Commons as candidates, each with its own licence and author."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from tasks.acquire.common.area import Area
from tasks.acquire.common.context import Context
from tasks.acquire.common.download import Expected
from tasks.acquire.common.http import CONTACT, host_of, plain
from tasks.acquire.common.source import Candidate, Delivery, Refusal, Source
from tasks.acquire.common.text import file_stem, plain_text
from tasks.acquire.sources.commons.params import Params
from tasks.acquire.sources.commons.wiki import Wiki
from tasks.core.errors import LandloomError
from tasks.formats.tables.licences import licence_name

_BITMAPS = {"image/jpeg", "image/png", "image/tiff", "image/webp"}


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The files of a search or of categories. Photographs need no place on Earth, so the area leaves none out."""
    return CommonsSource(params, context)


class CommonsSource:
    """Candidates of one wiki, at most `limit`."""

    def __init__(self, params: Params, context: Context):
        if host_of(params.url).endswith("wikimedia.org") and not os.environ.get(CONTACT, "").strip():
            raise LandloomError(
                f"commons: Wikimedia's User-Agent policy wants a contact: set {CONTACT} to a mail address or URL of "
                "yours and run again (it goes to the servers only, and into no parameter or log)"
            )
        self._params, http = params, context.http()
        self._wiki, self._downloads = Wiki(params, http), context.downloads(http)

    def items(self) -> Iterator[Candidate]:
        """Files in the order of the search or category."""
        try:
            for page in islice(self._wiki.files(), self._params.limit):
                yield self._candidate(page)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise LandloomError(
                f"commons: {self._params.url} answers in another form than the action API "
                f"({type(error).__name__}: {error})"
            ) from None

    def _candidate(self, page: dict[str, Any]) -> Candidate:
        title = str(page["title"]).removeprefix("File:")
        key = file_stem(f"commons-{page['pageid']}-{PurePosixPath(title).stem}"[:100])
        info = (page.get("imageinfo") or [{}])[0]
        meta = {name: plain_text(field.get("value")) for name, field in (info.get("extmetadata") or {}).items()}
        make = partial(
            Candidate,
            key=key,
            source="commons",
            licence=_licence(meta),
            attribution=_attribution(title, info, meta),
            layers=("color",),
            facts=_facts(title, meta),
        )
        url = info.get("thumburl") or info.get("url")
        if not url or info.get("mime") not in _BITMAPS:
            reason = f"a file of type {info['mime']}, no picture" if info.get("mime") else "the wiki has no file for it"
            return make(name="", deliver=partial(_refuse, reason))
        name = f"{key}{PurePosixPath(unquote(urlsplit(url).path)).suffix.lower() or '.jpg'}"
        # The wiki states the length of the original only, and a thumbnail no wider than it is the original itself.
        size = int(info["size"]) if url == info.get("url") and info.get("size") else None
        return make(name=name, url=plain(url), deliver=partial(self._fetch, url, name, Expected(bytes=size)))

    def _fetch(self, url: str, name: str, expected: Expected, folder: Path) -> Delivery:
        return self._downloads.deliver(url, folder / name, expected)


def _licence(meta: dict[str, str]) -> str:
    """The licence by its short name; by its URL or its code where there is no name."""
    for name in ("LicenseShortName", "LicenseUrl", "License", "UsageTerms"):
        if meta.get(name):
            return licence_name(meta[name])
    return "not stated"


def _attribution(title: str, info: dict[str, Any], meta: dict[str, str]) -> str:
    """Author, title, licence and page, as Commons asks; the author's own wording where there is one."""
    author = meta.get("Attribution") or meta.get("Artist") or meta.get("Credit") or "unknown author"
    parts = (author, f"“{title}”", _licence(meta), meta.get("LicenseUrl"), info.get("descriptionurl"))
    return ", ".join(str(part) for part in parts if part) + ", via Wikimedia Commons"


def _facts(title: str, meta: dict[str, str]) -> dict[str, str | list[str]]:
    """Title, date and description, as far as the wiki has them."""
    facts = {
        "title": meta.get("ObjectName") or PurePosixPath(title).stem,
        "date": meta.get("DateTimeOriginal", ""),
        "description": meta.get("ImageDescription", "")[:500],
    }
    return {name: value for name, value in facts.items() if value}


def _refuse(reason: str, folder: Path) -> NoReturn:
    raise Refusal(reason)
