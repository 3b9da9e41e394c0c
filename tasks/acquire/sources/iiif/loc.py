"""The JSON API of the Library of Congress: from a search to the scans of its items.

https://www.loc.gov/apis/json-and-yaml/: `fo=json` gives a page of results and `pagination.next`; the same on an item
gives its rights, its language and date, and the files of its images.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from tasks.acquire.common.source import Refusal
from tasks.acquire.common.text import file_stem, plain_text
from tasks.acquire.sources.iiif.params import Params
from tasks.acquire.sources.iiif.scan import Scan
from tasks.core.errors import LandloomError
from tasks.formats.tables.licences import partition_of

_PAGE = 100  # results on a page
MAX_PAGES = 1000  # 100,000 results, the deepest that loc.gov supports
ODD_FORM = (AttributeError, KeyError, TypeError, ValueError, RecursionError)  # types that no item should have
_IMAGE = re.compile(r"(.+)/full/[^/]+/[\d.!]+/\w+\.\w+$")
_FILE = re.compile(r"\.(jpe?g|png|tiff?)$", re.IGNORECASE)
Json = dict[str, Any]


def scans(params: Params, search: Callable[[str], Any], fetch: Callable[[str], Any]) -> Iterator[Scan]:
    """Scans of the search's items, in the order of the search, each item once.

    Args:
        search: gives the JSON answer of a URL, asked anew. fetch: the same, kept for the next run; may raise `Refusal`.
    """
    seen: set[str] = set()
    for result in _results(params, search):
        page = _absolute(str(result.get("url") or result.get("id") or ""), params.url)
        if "/item/" not in urlsplit(page).path or page in seen:
            continue  # a collection or a web page among the results
        seen.add(page)
        key = file_stem("loc-" + urlsplit(page).path.split("/item/", 1)[1].strip("/"))
        try:
            document = fetch(f"{page.rstrip('/')}/?fo=json")
            found = list(_of_item(key, page, document, params))
        except (Refusal, *ODD_FORM) as error:
            found = [Scan(key, "not stated", "Library of Congress", page, problem=f"its description: {error}")]
        yield from found


def _results(params: Params, search: Callable[[str], Any]) -> Iterator[Json]:
    query = {"fo": "json", "at": "results,pagination", "c": str(min(_PAGE, params.limit)), "q": params.query}
    query |= {"fa": "|".join(params.facets), "dates": params.dates or ""}
    url: str | None = f"{params.url}?{urlencode({name: value for name, value in query.items() if value})}"
    asked: set[str] = set()
    while url:
        if url in asked or len(asked) >= MAX_PAGES:
            raise LandloomError(f"iiif: the search at {params.url} goes round in circles after {len(asked)} pages")
        asked.add(url)
        answer = search(url)
        if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
            raise LandloomError(f"iiif: {params.url} answers with no search results; is source.url a page of items?")
        yield from (result for result in answer["results"] if isinstance(result, dict))
        pagination = answer.get("pagination")
        following = pagination.get("next") if isinstance(pagination, dict) else None
        url = _absolute(following, params.url) if isinstance(following, str) and following else None
        if url is not None and urlsplit(url).netloc != urlsplit(params.url).netloc:
            raise LandloomError(f"iiif: the search at {params.url} goes on at another host: {url}")


def _of_item(key: str, page: str, document: Any, params: Params) -> Iterator[Scan]:
    item = document.get("item") if isinstance(document, dict) else None
    if not isinstance(item, dict):
        raise Refusal("it has no item")
    licence = _licence(item)
    title, date = plain_text(item.get("title")), plain_text(item.get("date"))
    makers = plain_text(item.get("contributor_names") or item.get("contributors_names"))
    credit = ". ".join(part.rstrip(".") for part in (makers, title, date, "Library of Congress", page) if part)
    facts: dict[str, str | list[str]] = {"title": title, "date": date}
    facts["language"] = [text for text in map(plain_text, _list(item.get("language"))) if text]
    facts = {name: value for name, value in facts.items() if value}
    if item.get("access_restricted"):
        yield Scan(key, licence, credit, page, facts=facts, problem="the Library restricts access to it")
        return
    images = list(_images(document, item, params))[: params.images_per_item]
    if not images:
        yield Scan(key, licence, credit, page, facts=facts, problem="it has no image that can be fetched")
    for number, (service, file) in enumerate(images):
        yield Scan(f"{key}-{number + 1:04d}", licence, credit, page, service, file, facts)


def _licence(item: Json) -> str:
    """The sentence on rights that decides: of the advisory, else of the statement of the item or its collection."""
    text = next((text for name in _RIGHTS if (text := plain_text(item.get(name)))), "")
    partition = partition_of(text)
    sentences = re.split(r"(?<=[.;:!?])\s+", text)
    decisive = next((one for one in sentences if partition != "unknown" and partition_of(one) == partition), text)
    return decisive[:300].strip() or "not stated"


_RIGHTS = ("rights_advisory", "rights_information", "rights")


def _images(document: Json, item: Json, params: Params) -> Iterator[tuple[str | None, str | None]]:
    """Image service or file of each image of the item, without repetition."""
    seen: set[str] = set()
    for group in _groups(document, item):
        urls = [_absolute(url, params.url) for url in group]
        services = [found[1] for url in urls if (found := _IMAGE.match(url.split("#")[0]))]
        files = [url for url in urls if _FILE.search(url.split("#")[0])]
        service = services[0] if services else None
        file = None if service else _file(files, params.longest_px)
        if (service or file) and (service or file) not in seen:
            seen.add(service or file or "")
            yield service, file


def _groups(document: Json, item: Json) -> Iterator[list[str]]:
    """The addresses of one image in several sizes, for each image."""
    found = False
    for resource in _list(document.get("resources")):
        for files in _list(resource.get("files")):
            urls = [str(one["url"]) for one in _list(files) if isinstance(one, dict) and one.get("url")]
            found = found or bool(urls)
            yield urls
        if not found and resource.get("image"):
            found = True
            yield [str(resource["image"])]
    if not found:
        yield [str(url) for url in _list(item.get("image_url"))]


def _file(files: list[str], longest: int) -> str | None:
    """The smallest file that is large enough, or else the largest; sizes stand behind `#` as `h=…&w=…`."""

    def side(url: str) -> int:
        return max(map(int, re.findall(r"[hw]=(\d+)", url.partition("#")[2])), default=0)

    enough = [url for url in files if side(url) >= longest]
    best = min(enough, key=side) if enough else max(files, key=side, default=None)
    return best.split("#")[0] if best else None


def _absolute(url: str, base: str) -> str:
    """An address of loc.gov, which writes some without a scheme and some with http; empty where it is none."""
    try:
        whole = urljoin(base, url)
    except ValueError:
        return ""
    host = (urlsplit(whole).hostname or "").lower()
    return whole.replace("http://", "https://", 1) if host.endswith("loc.gov") else whole


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
