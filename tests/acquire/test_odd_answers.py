"""Answers of other types than the APIs say: refused by name or told in one line, never a crash."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from tasks.acquire.common.source import Refusal
from tasks.acquire.sources.iiif import loc, manifests
from tasks.acquire.sources.iiif.image import read_info, request
from tasks.acquire.sources.iiif.params import Params
from tasks.core.errors import LandloomError
from tests.acquire.library import Library, Loc
from tests.acquire.published import drawn
from tests.acquire.stage import acquire, params
from tests.acquire.test_iiif import version_2, version_3

JUNK: list[Any] = [
    None,
    [],
    {},
    "",
    "x",
    0,
    -1,
    True,
    1e308,
    [[]],
    [None],
    {"": None},
    "http://[",
    "file:///etc/passwd",
]


def spoiled(document: Any, rng: random.Random) -> Any:
    """The document with one value replaced by another."""
    copied = {"": copy.deepcopy(document)}
    places, open_ones = [], [copied]
    while open_ones:
        node = open_ones.pop()
        for name, value in node.items() if isinstance(node, dict) else enumerate(node):
            places.append((node, name))
            if isinstance(value, dict | list):
                open_ones.append(value)
    node, name = rng.choice(places)
    node[name] = rng.choice(JUNK)
    return copied[""]


@pytest.fixture
def library(server) -> Library:
    made = Library(server)
    made.hold("s", drawn(1), sizes=((100, 75),), tiles=(64, (1, 2, 4)), limits=(("maxWidth", 300), ("maxArea", 9000)))
    return made


def test_manifests_and_collections(library):
    rng, url = random.Random(1), "http://x/m"
    collection = {"type": "Collection", "id": "http://x/c", "items": [{"type": "Manifest", "id": url}]}
    for good in (version_2(library, url, ["http://x/s"]), version_3(url, ["http://x/s"])):
        for _ in range(300):
            documents = {url: spoiled(good, rng), "http://x/c": spoiled(collection, rng)}

            def fetch(address: str, documents: dict[str, Any] = documents) -> Any:
                if address not in documents:
                    raise Refusal("is not there")
                return documents[address]

            try:
                for scan in manifests.scans(["http://x/c", url], fetch, 5):
                    assert scan.key and isinstance(scan.attribution, str)
            except LandloomError as error:
                assert "source.manifests" in str(error)


def test_image_information(library):
    rng = random.Random(2)
    for version in (2, 3):
        library.images["s"].version = version
        for _ in range(300):
            try:
                service = read_info(spoiled(library.info("s"), rng))
            except Refusal as refusal:
                assert "not of the IIIF Image API" in str(refusal)
            else:
                assert request(service, 200).startswith("/full/")


def test_items_of_the_library_of_congress(library):
    rng, api = random.Random(3), Loc(library)
    api.add("1", [library.service("s")], image_url=["//x/a.jpg#h=10&w=20"])
    given, page = Params(kind="iiif", url=f"{library.server.url}/maps/"), f"{library.server.url}/item/1/"
    search = {"results": [{"id": page, "url": page}], "pagination": {"next": None}}
    for _ in range(300):
        try:
            found = list(loc.scans(given, lambda url: spoiled(search, rng), lambda url: spoiled(api.items["1"], rng)))
        except LandloomError as error:
            assert str(error).startswith("iiif: ")
        else:
            assert all(scan.key.startswith("loc-") for scan in found)


def test_addresses_that_are_not_http(tmp_path, library):
    url = library.server.url
    manifest = version_3(f"{url}/m", ["file:///etc", library.service("s")])
    library.server.routes["/m"] = lambda handler: handler.json(manifest)
    block = {"requests_per_second": 100.0, "retries": 0, "manifests": [f"{url}/m"], "images_per_item": 2}
    ledger = acquire(tmp_path, params("iiif", **block))
    assert ledger["refused"].dropna().tolist() == ["file:///etc is no address of http or https"]
    assert ledger["refused"].isna().sum() == 1
