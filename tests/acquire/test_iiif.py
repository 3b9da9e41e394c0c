"""Scans from a library on loopback: the search of loc.gov, manifests of both versions, image services of each level."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tasks.acquire.common.source import Refusal
from tasks.acquire.sources.iiif.image import read_info, request
from tasks.core.errors import LandloomError
from tests.acquire.library import Library, Loc
from tests.acquire.published import drawn, scans, size_of
from tests.acquire.server import Server
from tests.acquire.stage import acquire, params

FAST = {"requests_per_second": 100.0, "retries": 1, "timeout_s": 5.0}


@pytest.fixture
def library(server: Server) -> Library:
    return Library(server)


def fetch(root: Path, **block: Any) -> pd.DataFrame:
    return acquire(root, params("iiif", **FAST, **block))


def taken(root: Path, row: pd.Series) -> tuple[int, int]:
    return size_of((root / "data/terrain/raw" / row["path"]).read_bytes())


@pytest.mark.parametrize(
    ("options", "longest", "asked", "gives"),
    [
        ({}, 200, "!200,200", (200, 150)),
        ({}, 4000, "max", (400, 300)),
        ({"version": 2}, 4000, "full", (400, 300)),
        ({"version": 2}, 200, "!200,200", (200, 150)),
        ({"level": 1}, 200, "200,", (200, 150)),
        ({"level": 0}, 200, "max", (400, 300)),
        ({"level": 0, "version": 2}, 200, "full", (400, 300)),
        ({"level": 0, "sizes": ((100, 75), (220, 165))}, 200, "220,165", (220, 165)),
        ({"level": 0, "sizes": ((100, 75), (220, 165))}, 300, "max", (400, 300)),
        ({"level": 0, "version": 2, "sizes": ((100, 75), (220, 165))}, 200, "220,", (220, 165)),
        ({"level": 0, "tiles": (256, (1, 2, 4))}, 150, "200,150", (200, 150)),
        ({"limits": (("maxWidth", 100),)}, 200, "!100,100", (100, 75)),
        ({"version": 2, "limits": (("maxWidth", 100),)}, 4000, "!100,100", (100, 75)),
        ({"limits": (("maxWidth", 300), ("maxHeight", 60))}, 200, "!200,60", (80, 60)),
        ({"limits": (("maxArea", 30_000),)}, 4000, "!200,150", (200, 150)),
        ({"level": 1, "version": 2, "limits": (("maxArea", 30_000),)}, 4000, "200,", (200, 150)),
        ({"level": 0, "limits": (("maxWidth", 200),)}, 4000, "max", (200, 150)),
    ],
)
def test_each_service_is_asked_for_what_it_gives(library, options, longest, asked, gives):
    library.hold("one", drawn(1), **options)
    path = request(read_info(library.info("one")), longest)
    assert path == f"/full/{asked}/0/default.jpg"
    size = library._size(library.images["one"], asked)
    assert size == gives


def test_what_is_no_image_service_is_refused():
    for info in ({}, {"@context": "http://library.stanford.edu/iiif/image-api/1.1/context.json"}, [], {"width": 3}):
        with pytest.raises(Refusal, match="not of the IIIF Image API 2 or 3"):
            read_info(info)


def test_a_search_of_the_library_of_congress(tmp_path, library):
    loc, bodies = Loc(library), scans(4)
    services = [library.hold(f"service:gmd:{number}", body, version=2) for number, body in enumerate(bodies)]
    loc.add("98688726", [services[0]])
    loc.add("2012586609", services[1:3], rights_advisory=None, rights=["<p>Maps here are in the public domain.</p>"])
    loc.add("gone", ["http://127.0.0.1:1/iiif/x"], access_restricted=True)
    loc.add("secret", [services[3]], rights_advisory="Publication may be restricted. See the curator.")
    given = {
        "url": f"{library.server.url}/maps/",
        "query": "alps",
        "facets": ["original-format:map"],
        "dates": "1870/1920",
    }
    ledger = fetch(tmp_path, **given, images_per_item=2, longest_px=300, partitions=["open"])
    keys = ["loc-2012586609-0001", "loc-2012586609-0002", "loc-98688726-0001"]
    assert list(ledger.index[ledger["refused"].isna()]) == keys
    assert all(max(taken(tmp_path, ledger.loc[key])) == 300 for key in keys)
    refused = dict(ledger["refused"].dropna())
    assert "the Library restricts access" in refused["loc-gone"]
    assert "is unknown; acquire.partitions takes open" in refused["loc-secret-0001"]
    assert set(library.asked) == {"!300,300"}
    first = ledger.loc[keys[0]]
    assert first["licence"] == "Maps here are in the public domain." and first["partition"] == "open"
    assert "Survey of Somewhere. Sheet 2012586609. 1911. Library of Congress." in first["attribution"]
    assert json.loads(first["facts"]) == {"title": "Sheet 2012586609", "date": "1911", "language": ["english"]}
    assert [query.get("sp") for query in loc.queries] == [None, ["2"]]
    assert loc.queries[0]["fa"] == ["original-format:map"] and loc.queries[0]["dates"] == ["1870/1920"]
    assert loc.queries[0]["fo"] == ["json"] and loc.queries[0]["q"] == ["alps"]

    # The next run asks for the search alone.
    before = len(library.server.seen)
    fetch(tmp_path, **given, images_per_item=2, longest_px=300, partitions=["open"])
    assert {seen[2].split("?")[0] for seen in library.server.seen[before:]} == {"/maps/"}


def version_2(library: Library, url: str, services: list[str]) -> dict[str, Any]:
    canvases = [
        {
            "@id": f"{url}/canvas/{number}",
            "@type": "sc:Canvas",
            "images": [
                {
                    "@type": "oa:Annotation",
                    "motivation": "sc:painting",
                    "resource": {
                        "@id": f"{service}/full/full/0/default.jpg",
                        "@type": "dctypes:Image",
                        "service": {
                            "@context": "http://iiif.io/api/image/2/context.json",
                            "@id": service,
                            "profile": "http://iiif.io/api/image/2/level2.json",
                        },
                    },
                }
            ],
        }
        for number, service in enumerate(services)
    ]
    manifest = {"@context": "http://iiif.io/api/presentation/2/context.json", "@id": url, "@type": "sc:Manifest"}
    manifest |= {"label": "An atlas", "license": "https://creativecommons.org/licenses/by-nc-sa/3.0/"}
    manifest |= {"attribution": [{"@value": "Provided by <b>Stadtbibliothek</b>", "@language": "en"}]}
    metadata = [{"label": "Language", "value": "German; French"}, {"label": [{"@value": "Date"}], "value": "ca. 1880"}]
    return {**manifest, "metadata": metadata, "sequences": [{"@type": "sc:Sequence", "canvases": canvases}]}


def version_3(url: str, services: list[str], **own: Any) -> dict[str, Any]:
    canvases = [
        {
            "id": f"{url}/canvas/{number}",
            "type": "Canvas",
            "items": [
                {
                    "type": "AnnotationPage",
                    "items": [
                        {"type": "Annotation", "motivation": "commenting", "body": {"type": "TextualBody"}},
                        {
                            "type": "Annotation",
                            "motivation": "painting",
                            "body": {
                                "id": f"{service}/full/max/0/default.jpg",
                                "type": "Image",
                                "service": [
                                    {"@id": "https://login.example.org", "@type": "AuthCookieService1"},
                                    {"id": service, "type": "ImageService3", "profile": "level2"},
                                ],
                            },
                        },
                    ],
                }
            ],
        }
        for number, service in enumerate(services)
    ]
    manifest = {"@context": "http://iiif.io/api/presentation/3/context.json", "id": url, "type": "Manifest"}
    manifest |= {"label": {"fr": ["Carte"], "en": ["A chart"]}, "navDate": "1850-01-01T00:00:00Z"}
    manifest |= {"rights": "http://creativecommons.org/publicdomain/mark/1.0/"}
    manifest |= {"requiredStatement": {"label": {"en": ["Credit"]}, "value": {"en": ["Institute of Charts"]}}}
    return {**manifest, "items": canvases, **own}


def test_manifests_and_collections_of_both_versions(tmp_path, library):
    url, bodies = library.server.url, scans(4)
    names = [library.hold(f"s{number}", body, version=2 + number % 2) for number, body in enumerate(bodies)]
    routes = {
        "/c": {
            "@type": "sc:Collection",
            "@id": f"{url}/c",
            "manifests": [{"@type": "sc:Manifest", "@id": f"{url}/m2/manifest.json"}],
            "collections": [{"@type": "sc:Collection", "@id": f"{url}/c3"}],
        },
        "/m2/manifest.json": version_2(library, f"{url}/m2/manifest.json", [names[0], names[2]]),
        "/c3": {
            "type": "Collection",
            "id": f"{url}/c3",
            "items": [
                {"type": "Manifest", "id": f"{url}/m3"},
                {"type": "Manifest", "id": f"{url}/missing"},
                {"type": "Collection", "id": f"{url}/c"},  # a circle
            ],
        },
        "/m3": version_3(f"{url}/m3", [names[1], names[3]]),
    }
    for path, document in routes.items():
        library.server.routes[path] = lambda handler, document=document: handler.json(document)
    ledger = fetch(tmp_path, manifests=[f"{url}/c"], images_per_item=2, longest_px=200)
    good = ledger[ledger["refused"].isna()]
    assert len(good) == 4 and len(ledger) == 5
    assert "answers 404" in ledger["refused"].dropna().iloc[0]
    old = good[good["partition"] == "noncommercial"]
    assert len(old) == 2 and old["attribution"].str.startswith("An atlas, Provided by Stadtbibliothek").all()
    assert json.loads(old["facts"].iloc[0]) == {
        "title": "An atlas",
        "date": "ca. 1880",
        "language": ["German", "French"],
    }
    new = good[good["partition"] == "open"]
    assert len(new) == 2 and new["attribution"].str.startswith("A chart, Institute of Charts").all()
    assert json.loads(new["facts"].iloc[0]) == {"title": "A chart"}, "navDate is for timelines and says no date"
    assert all(max(taken(tmp_path, row)) == 200 for _, row in good.iterrows())


def test_an_image_with_another_licence_than_its_item_is_refused(tmp_path, library):
    url = library.server.url
    rights = (("rights", "http://rightsstatements.org/vocab/InC/1.0/"),)
    services = [library.hold("mine", drawn(1)), library.hold("theirs", drawn(2), extra=rights)]
    library.server.routes["/m"] = lambda handler: handler.json(version_3(f"{url}/m", services))
    ledger = fetch(tmp_path, manifests=[f"{url}/m"], images_per_item=2)
    assert "another licence (http://rightsstatements.org/vocab/InC/1.0/)" in ledger["refused"].dropna().iloc[0]
    assert len(ledger) == 2


def test_no_derivatives_are_refused_unless_told(tmp_path, library):
    url = library.server.url
    nd = "https://creativecommons.org/licenses/by-nd/4.0/"
    services = [library.hold("one", drawn(1))]
    library.server.routes["/m"] = lambda handler: handler.json(version_3(f"{url}/m", services, rights=nd))
    with pytest.raises(LandloomError, match="is no_derivatives; acquire.partitions takes open, share_alike"):
        fetch(tmp_path, manifests=[f"{url}/m"])
    assert not library.asked, "nothing of it was fetched"
    ledger = fetch(tmp_path, manifests=[f"{url}/m"], partitions=["no_derivatives"])
    assert ledger["partition"].tolist() == ["no_derivatives"] and ledger["refused"].isna().all()


def test_a_block_page_stops_the_run_and_is_not_kept(tmp_path, library):
    loc = Loc(library, per_page=50)
    for number in range(12):
        loc.add(f"{number:02}", [library.hold(f"s{number}", drawn(number))])
    page = b"<!DOCTYPE html><html><head><title>Access denied</title></head><body>captcha</body></html>"
    real, answers = library._image, []

    def blocked(handler):
        answers.append(handler.path)
        if len(answers) > 6:
            handler.answer(200, page, Content_Type="text/html")
        else:
            real(handler)

    library.server.routes["/iiif/*"] = blocked
    given = {"url": f"{library.server.url}/maps/", "connections": 2}
    with pytest.raises(LandloomError, match="sends a web page with the title “Access denied” where .* is due"):
        fetch(tmp_path, **given)
    assert len(answers) <= 6 + 4, "a host that blocks is left alone"
    assert not [path for path in tmp_path.rglob("*.bytes") if path.read_bytes() == page]
    library.server.routes["/iiif/*"] = real
    assert len(fetch(tmp_path, **given)) == 12
    assert len(library.server.seen) - len({seen[2] for seen in library.server.seen}) <= 5
