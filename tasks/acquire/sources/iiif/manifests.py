"""The IIIF Presentation API, versions 2 and 3: from manifests and collections to scans.

https://iiif.io/api/presentation/2.1/ and https://iiif.io/api/presentation/3.0/. Licence and attribution are those of
the nearest resource that has them: the image, its canvas, or the manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tasks.acquire.common.source import Refusal
from tasks.acquire.common.text import file_stem, plain_text
from tasks.acquire.sources.iiif.scan import Scan
from tasks.core.errors import LandloomError

_DEEP = 8  # collections within collections; deeper is a circle
_DATES = {"date", "dates", "date created", "date published", "date of publication", "created", "published", "issued"}
_LANGUAGES = {"language", "languages"}
ODD_FORM = (AttributeError, KeyError, TypeError, ValueError, RecursionError)
"""What reading raises where a document has other types than its API says."""
Json = dict[str, Any]


def scans(urls: list[str], fetch: Callable[[str], Any], per_item: int) -> Iterator[Scan]:
    """Scans of all manifests below `urls`, in the order of the publisher, each manifest once.

    Args:
        fetch: gives the JSON document of a URL; raises `Refusal` where there is none.
        per_item: most scans of one manifest.

    Raises:
        LandloomError: one of `urls` itself cannot be read.
    """
    seen: set[str] = set()
    for url in urls:
        try:
            document = fetch(url)
        except Refusal as refusal:
            raise LandloomError(f"source.manifests: {url}: {refusal}") from None
        if _kind(document) not in ("Manifest", "Collection"):
            raise LandloomError(f"source.manifests: {url} is no IIIF manifest or collection")
        yield from _walk(url, document, fetch, per_item, seen, 0)


def _walk(url: str, document: Json, fetch: Callable, per_item: int, seen: set[str], depth: int) -> Iterator[Scan]:
    own = _id(document) or url
    if own in seen or depth > _DEEP:
        return
    seen.add(own)
    if _kind(document) == "Manifest":
        try:
            found = list(_of_manifest(own, document, per_item))
        except ODD_FORM as error:
            problem = f"its manifest has another form than the API says ({type(error).__name__}: {error})"
            found = [Scan(file_stem(own), "not stated", "not stated", own, problem=problem)]
        yield from found
        return
    for member in _members(document):
        address = _id(member)
        if not address or address in seen:
            continue
        try:
            # A member is a link, unless it holds its own content.
            whole = member if member.get("items") or member.get("sequences") else fetch(address)
            if _kind(whole) not in ("Manifest", "Collection"):
                raise Refusal("is no IIIF manifest or collection")
        except Refusal as refusal:
            seen.add(address)
            yield Scan(file_stem(address), "not stated", "not stated", address, problem=f"its manifest: {refusal}")
            continue
        yield from _walk(address, whole, fetch, per_item, seen, depth + 1)


def _of_manifest(url: str, manifest: Json, per_item: int) -> Iterator[Scan]:
    facts = _facts(manifest)
    stem = file_stem(url.removesuffix("/manifest.json").removesuffix("/manifest").split("://", 1)[-1])
    for number, (canvas, body) in enumerate(_images(manifest)):
        if number >= per_item:
            return
        owners = (body, canvas, manifest)
        licence = next((text for owner in owners if (text := _licence(owner))), "not stated")
        credit = next((text for owner in owners if (text := _attribution(owner))), None) or _provider(manifest)
        title = facts.get("title")
        yield Scan(
            key=f"{stem}-{number + 1:04d}",
            licence=licence,
            attribution=", ".join(str(part) for part in (title, credit, url) if part),
            page=url,
            service=_service(body),
            file=_id(body),
            facts=facts,
        )


def _images(manifest: Json) -> Iterator[tuple[Json, Json]]:
    """Canvas and image, in order: of several images of one canvas, the first."""
    if "sequences" in manifest:  # version 2
        for sequence in _list(manifest["sequences"])[:1]:
            for canvas in _list(sequence.get("canvases")):
                for annotation in _list(canvas.get("images"))[:1]:
                    yield canvas, _choice(annotation.get("resource"))
        return
    for canvas in _list(manifest.get("items")):
        paintings = [
            annotation
            for page in _list(canvas.get("items"))
            for annotation in _list(page.get("items"))
            if annotation.get("motivation") in ("painting", ["painting"])
        ]
        for annotation in paintings[:1]:
            body = _choice((_list(annotation.get("body")) or [{}])[0])
            if body.get("type", "Image") == "Image":
                yield canvas, body


def _choice(body: Any) -> Json:
    """The image itself, or the preferred one of several alternatives."""
    if not isinstance(body, dict):
        return {}
    if _kind(body) == "Choice":
        for alternative in (body.get("default"), *_list(body.get("items")), *_list(body.get("item"))):
            if isinstance(alternative, dict):
                return alternative
    return body


def _service(body: Json) -> str | None:
    """The image service of a body; other services, such as those for logins, are passed over."""
    for service in _list(body.get("service")):
        marks = " ".join(str(service.get(name, "")) for name in ("type", "@type", "@context", "profile"))
        if _id(service) and ("ImageService" in marks or "/image" in marks):
            return str(_id(service)).rstrip("/")
    return None


def _members(collection: Json) -> Iterator[Json]:
    for name in ("items", "members", "manifests", "collections"):
        yield from (member for member in _list(collection.get(name)) if isinstance(member, dict))


def _licence(owner: Json) -> str:
    return plain_text(owner.get("rights") or owner.get("license"))


def _attribution(owner: Json) -> str:
    if owner.get("requiredStatement"):
        return _words(owner["requiredStatement"].get("value"))
    return _words(owner.get("attribution"))


def _provider(manifest: Json) -> str:
    return "; ".join(_words(one.get("label")) for one in _list(manifest.get("provider")) if one.get("label"))


def _facts(manifest: Json) -> dict[str, str | list[str]]:
    """Title, date and language, where the manifest has a field of that name. A `navDate` is for timelines: no date."""
    facts: dict[str, str | list[str]] = {}
    if title := _words(manifest.get("label")):
        facts["title"] = title
    for pair in _list(manifest.get("metadata")):
        label, value = _words(pair.get("label")).lower().rstrip(":"), _words(pair.get("value"))
        if value and label in _DATES:
            facts.setdefault("date", value)
        if value and label in _LANGUAGES:
            facts.setdefault("language", [part.strip() for part in value.split(";") if part.strip()])
    return facts


def _words(value: Any) -> str:
    """Text of a value in any form of the API: a string, `@value`, a list, a map of languages (English first)."""
    if isinstance(value, dict):
        if "@value" in value:
            return plain_text(value["@value"])
        for language in ("en", "none", *sorted(value)):
            if value.get(language):
                return plain_text(value[language])
        return ""
    if isinstance(value, list):
        if all(isinstance(one, dict) and "@language" in one for one in value) and value:
            english = [one for one in value if str(one["@language"]).startswith("en")]
            return _words((english or value)[0])
        return "; ".join(text for text in map(_words, value) if text)
    return plain_text(value)


def _id(thing: Json) -> str | None:
    found = thing.get("id") or thing.get("@id")
    return found if isinstance(found, str) else None


def _kind(thing: Any) -> str:
    """The type of a resource, in the words of version 3."""
    return str(thing.get("type") or thing.get("@type") or "").rsplit(":", 1)[-1] if isinstance(thing, dict) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
