"""The address on the web of a STAC asset. Addresses in public buckets (s3://, gs://) have an https form."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from tasks.acquire.common.http import plain
from tasks.acquire.common.source import Refusal

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_GOOGLE = "https://storage.googleapis.com"


def web_address(item: dict[str, Any], asset: dict[str, Any], root: str, endpoint: str | None = None) -> str:
    """Return the http or https address of an asset.

    An address that is already on the web stays as it is, and a relative one is read from the item. An address in a
    bucket becomes the https address of the same object: of an alternate that the item states, of the endpoint that
    the catalogue or the parameters name, or of Amazon's public endpoint.

    Args:
        item: the STAC item. asset: one of its assets, with an `href`.
        root: address of the catalogue, for items that do not say their own.
        endpoint: address of the object store of s3:// addresses; null: the catalogue's, else Amazon's.

    Raises:
        Refusal: the asset is a local file, leaves its folder, or lies in a bucket whose reader pays.
    """
    href = str(asset["href"])
    parts = urlsplit(href)
    if parts.scheme in ("s3", "gs"):
        href = _alternate(asset) or _object(item, asset, href, endpoint)
        parts = urlsplit(href)
    if parts.scheme not in ("", "http", "https") or (not parts.scheme and (href.startswith("/") or "\\" in href)):
        raise Refusal(f"its asset points at {plain(href)}, which is not http or https")
    if ".." in PurePosixPath(unquote(parts.path)).parts:
        raise Refusal(f"its asset points at {plain(href)}, which leaves its folder")
    if parts.scheme:
        return href
    base = next((str(link["href"]) for link in item.get("links", []) if link.get("rel") == "self"), root)
    url = urljoin(base, href)
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refusal(f"its asset points at {plain(url)}, which is not http or https")
    return url


def _alternate(asset: dict[str, Any]) -> str | None:
    """The first https address that the alternate-assets extension states, by name."""
    alternates = asset.get("alternate")
    for _, other in sorted(alternates.items()) if isinstance(alternates, dict) else []:
        href = other.get("href") if isinstance(other, dict) else None
        if isinstance(href, str) and href.startswith("https://"):
            return href
    return None


def _object(item: dict[str, Any], asset: dict[str, Any], href: str, endpoint: str | None) -> str:
    """The https form of `s3://bucket/key` or `gs://bucket/key`."""
    parts = urlsplit(href)
    bucket, key = parts.netloc, href.split("://", 1)[1].partition("/")[2]
    if not _BUCKET.fullmatch(bucket) or not key:
        raise Refusal(f"its asset points at {href}, which names no object of a bucket")
    store = _store(item, asset)
    if store["requester_pays"]:
        raise Refusal(
            f"its asset lies in a bucket whose reader pays ({parts.scheme}://{bucket}), which needs an account there; "
            "use a catalogue with a free copy"
        )
    path = quote(key, safe="/-_.~!$&'()*+,;=:@")
    if parts.scheme == "gs":
        return f"{_GOOGLE}/{bucket}/{path}"
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}/{path}"
    platform, region = store["platform"], store["region"]
    if platform and "{bucket}" in platform and ("{region}" not in platform or region):
        return f"{platform.replace('{bucket}', bucket).replace('{region}', region or '').rstrip('/')}/{path}"
    if platform and "amazonaws.com" not in platform:
        return f"{platform.rstrip('/')}/{bucket}/{path}"
    host = f"s3.{region}.amazonaws.com" if region else "s3.amazonaws.com"
    # A certificate for *.s3.amazonaws.com does not cover a bucket with a dot in its name.
    return f"https://{host}/{bucket}/{path}" if "." in bucket else f"https://{bucket}.{host}/{path}"


def _store(item: dict[str, Any], asset: dict[str, Any]) -> dict[str, Any]:
    """Region, endpoint and who pays, from the storage extension: version 2 (`storage:schemes`), else version 1."""
    properties = item.get("properties") or {}
    schemes = properties.get("storage:schemes") or item.get("storage:schemes") or {}
    names = asset.get("storage:refs") or []
    scheme = next((schemes[name] for name in names if isinstance(schemes.get(name), dict)), {})
    first = {name.partition(":")[2]: value for name, value in {**properties, **asset}.items() if "storage:" in name}
    platform = scheme.get("platform") or first.get("platform") or ""
    region = scheme.get("region") or first.get("region")
    return {
        "requester_pays": bool(scheme.get("requester_pays", first.get("requester_pays", False))),
        "platform": platform if str(platform).startswith("https://") else None,  # version 1 writes "AWS"
        "region": region if isinstance(region, str) and re.fullmatch(r"[a-z0-9-]+", region) else None,
    }
