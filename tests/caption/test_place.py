"""Names of places: from polygons offline, and from a geocoder on loopback that throttles, fails and knows nothing."""

from __future__ import annotations

import json
import threading
import time
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError
from shapely.geometry import box

from tasks.caption.params import Facts
from tasks.caption.phrases import where
from tasks.caption.place.geocoder import Named, cell_of, name_cells
from tasks.caption.place.names import Folders, find_places, turns
from tasks.caption.place.settings import OSM, Geocoder, NoPlace, Polygons
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.core.settings import ROOT
from tests.acquire.server import Handler, serving

COUNTRIES = ROOT.parent / "shared" / "realdata" / "vector" / "ne_110m_admin_0_countries.geojson"
AGENT = "landloom-tests (tests@example.org)"


def rows(*points, procedural=()):
    """A tile table with one tile at each point (lat, lon)."""
    table = pd.DataFrame(points, columns=["lat", "lon"])
    table["key"] = [f"t{number}" for number in range(len(points))]
    table["procedural"] = table["key"].isin(procedural)
    return table


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path, tmp_path / "kept", lambda: tmp_path / "turns", "terrain")


def polygons(folder, crs="EPSG:4326", **more):
    file = folder / "countries.gpkg"
    names = {"name": ["Wide", "Narrow", None], "realm": ["Wide", "Realm", "Realm"]}
    shapes = [box(0, 40, 20, 50), box(8, 45, 9, 46), box(60, 0, 61, 1)]
    gpd.GeoDataFrame(names, geometry=shapes, crs=crs).to_file(file)
    given = {"by": "polygons", "file": "countries.gpkg", "sha256": file_sha256(file), "columns": ["name", "realm"]}
    return Polygons(**given | {"attribution": "Made up"} | more)


def test_the_smallest_polygon_gives_the_name_and_the_sea_has_none(folders):
    tiles = rows((45.5, 8.5), (41, 1), (0.5, 60.5), (-30, -30), (45.5, 8.5), procedural=["t4"])
    places = find_places(tiles, polygons(folders.root), folders, print)
    assert {key: place.name for key, place in places.found.items()} == {
        "t0": "Narrow, Realm",
        "t1": "Wide",
        "t2": "Realm",
    }
    assert places.found["t0"].exact and places.found["t0"].attribution == "Made up" and places.failed == 0
    assert where({"name": "Narrow, Realm", "name_exact": True}) == "in Narrow, Realm"


def test_polygons_of_another_crs_are_warped(folders):
    settings = polygons(folders.root)
    file = folders.root / "countries.gpkg"
    gpd.read_file(file).to_crs(3857).to_file(file)
    settings = settings.model_copy(update={"sha256": file_sha256(file)})
    assert find_places(rows((45.5, 8.5)), settings, folders, print).found["t0"].name == "Narrow, Realm"


def test_polygons_come_by_address_once(folders):
    settings = polygons(folders.root)
    body = (folders.root / "countries.gpkg").read_bytes()
    with serving() as server:
        server.routes["/countries.gpkg"] = lambda handler: handler.answer(200, body)
        web = settings.model_copy(update={"file": f"{server.url}/countries.gpkg"})
        for _ in range(2):
            assert find_places(rows((45.5, 8.5)), web, folders, print).found["t0"].name == "Narrow, Realm"
        assert server.count("/countries.gpkg") == 1
        other = web.model_copy(update={"sha256": "0" * 64})
        with pytest.raises(LandloomError, match=f"has the sha256 {settings.sha256}, not 0000"):
            find_places(rows((45.5, 8.5)), other, folders, print)
        gone = other.model_copy(update={"file": f"{server.url}/gone.gpkg"})
        with pytest.raises(LandloomError, match="404.*fetch the file by hand"):
            find_places(rows((45.5, 8.5)), gone, folders, print)
        assert not list(folders.kept.glob(".*")), "nothing half-written is left"


def test_a_wrong_file_of_polygons_is_told(folders):
    settings = polygons(folders.root)
    wrong = [({"file": "no.gpkg"}, "does not exist"), ({"columns": ["nome"]}, "no column 'nome'; it has name, realm")]
    for change, message in wrong:
        with pytest.raises(LandloomError, match=message):
            find_places(rows((45, 8)), settings.model_copy(update=change), folders, print)
    text = folders.root / "list.txt"
    text.write_text("nothing")
    with pytest.raises(LandloomError, match="no vector file"):
        change = {"file": "list.txt", "sha256": file_sha256(text)}
        find_places(rows((45, 8)), settings.model_copy(update=change), folders, print)
    with pytest.raises(LandloomError, match="says no CRS"):
        find_places(rows((45, 8)), polygons(folders.root, crs=None), folders, print)


@pytest.mark.skipif(not COUNTRIES.exists(), reason="the countries of Natural Earth are not here")
def test_real_countries(folders):
    settings = Polygons(
        by="polygons", file=str(COUNTRIES), sha256=file_sha256(COUNTRIES), columns=["NAME", "CONTINENT"]
    )
    tiles = rows((46.8, 8.2), (-43.5, 170.5), (0, -30))
    named = {key: place.name for key, place in find_places(tiles, settings, folders, print).found.items()}
    assert named == {"t0": "Switzerland, Europe", "t1": "New Zealand, Oceania"}


class Nominatim:
    """A geocoder on loopback. It knows land north of the equator; `faults` are statuses to answer first."""

    def __init__(self, server):
        self.asked: list[tuple[float, float]] = []
        self.agents: set[str] = set()
        self.times: list[float] = []
        self.faults: list[int] = []
        self.wait_s = 1
        self.url = server.url
        server.routes["/reverse"] = self.reverse

    def reverse(self, handler: Handler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        assert query["format"] == "json" and query["accept-language"] == "en" and query["zoom"] == "5"
        self.times.append(time.monotonic())
        self.agents.add(handler.headers["User-Agent"])
        if self.faults:
            status = self.faults.pop(0)
            handler.answer(status, b"{}", **({"Retry_After": self.wait_s} if status == 429 and self.wait_s else {}))
            return
        lat, lon = float(query["lat"]), float(query["lon"])
        self.asked.append((lat, lon))
        if lat < 0:
            handler.json({"error": "Unable to geocode"})
        elif lat > 80:
            handler.json({"display_name": "Край", "lat": str(lat), "lon": str(lon), "address": {"state": "Край"}})
        else:
            address = {"state": f"State {int(lat)}", "country": "Country", "country_code": "cc"}
            handler.json({"display_name": "x", "lat": str(lat), "lon": str(lon), "address": address})

    def settings(self, **values):
        options = {"domain": self.url.removeprefix("http://"), "scheme": "http"}
        given = {"by": "geocoder", "user_agent": AGENT, "options": options, "requests_per_second": 50.0, "tries": 2}
        return Geocoder(**given | values)


@pytest.fixture
def nominatim():
    with serving() as server:
        yield Nominatim(server)


def ask(nominatim, folders, *cells, **values) -> Named:
    return name_cells(cells, nominatim.settings(**values), folders.kept, folders.turns, lambda line: None)


def test_tiles_of_a_cell_share_one_request_and_the_next_run_asks_nothing(nominatim, folders):
    tiles = rows((46.01, 8.01), (46.2, 8.2), (46.3, 8.2), (-5, 8), (46.1, 8.1), procedural=["t4"])
    for _ in range(2):
        places = find_places(tiles, nominatim.settings(), folders, print)
        assert {key: place.name for key, place in places.found.items() if place.name} == dict.fromkeys(
            ["t0", "t1", "t2"], "State 46, Country"
        )
        assert (
            places.failed == 0
            and places.named == 3
            and not places.found["t0"].exact
            and places.found["t0"].attribution == OSM
        )
    assert sorted(nominatim.asked) == [(-4.875, 8.125), (46.125, 8.125), (46.375, 8.125)]
    assert nominatim.agents == {AGENT}
    assert where({"name": "State 46, Country", "name_exact": False}) == "near State 46, Country"


def test_a_failure_is_no_name_and_is_asked_for_again(nominatim, folders):
    said: list[str] = []
    nominatim.faults = [500, 500]
    places = find_places(rows((46, 8), (50, 8)), nominatim.settings(), folders, said.append)
    assert set(places.found) == {"t1"} and places.failed == 1
    assert "1 cells have no answer (GeocoderServiceError" in said[-1] and "name no place" in said[-1]
    assert "`dvc repro -f -s caption@terrain` asks for them again" in said[-1], "DVC holds the stage for up to date"
    places = find_places(rows((46, 8), (50, 8)), nominatim.settings(), folders, said.append)
    assert set(places.found) == {"t0", "t1"} and places.failed == 0


def test_nothing_and_names_in_other_letters_are_answers_and_no_names(nominatim, folders):
    for _ in range(2):
        assert ask(nominatim, folders, (-20, 0), (330, 0)).names == {(-20, 0): None, (330, 0): None}
    assert len(nominatim.asked) == 2


def test_a_wait_that_the_server_asks_for_is_kept(nominatim, folders):
    nominatim.faults = [429]
    assert ask(nominatim, folders, (184, 32)).names == {(184, 32): "State 46, Country"}
    assert nominatim.times[1] - nominatim.times[0] >= 0.9


def test_a_wait_longer_than_the_parameters_allow_ends_the_questions(nominatim, folders):
    nominatim.faults, nominatim.wait_s, started = [429], 86_400, time.monotonic()
    named = ask(nominatim, folders, (184, 32), (184, 33))
    assert len(named.failed) == 2 and named.asked == 1 and time.monotonic() - started < 60
    assert "it asks to wait 86400 s, longer than most_wait_s, 120" in (named.why or "")
    assert len(ask(nominatim, folders, (184, 32), (184, 33)).names) == 2, "no other process is held for a day"
    settings, nominatim.faults, nominatim.wait_s = nominatim.settings(most_wait_s=0.2, tries=3), [429, 429], None
    assert find_places(rows((46, 8)), settings, folders, print).found, "a service that names no wait is asked again"


def test_a_home_that_cannot_be_written_is_told_once(nominatim, folders, monkeypatch):
    home = folders.root / "home"
    home.write_text("no folder")
    monkeypatch.setenv("HOME", str(home))
    said: list[str] = []
    own = folders.root / "own"
    alone = Folders(folders.root, folders.kept, lambda: turns(lambda: own, said.append), "terrain")
    places = find_places(rows((46, 8), (50, 8)), nominatim.settings(), alone, said.append)
    assert len(places.found) == 2 and list(own.iterdir())
    assert sum(line.startswith("warning: ") and "only processes of this checkout" in line for line in said) == 1
    monkeypatch.setenv("HOME", str(folders.root / "other"))
    assert turns(lambda: own, said.append) == folders.root / "other" / ".cache" / "landloom" / "hosts"


def test_a_service_that_is_down_is_left_alone(nominatim, folders):
    nominatim.faults = [500] * 100
    named = ask(nominatim, folders, *((184, col) for col in range(40)))
    assert len(named.failed) == 40 and named.asked == 6, "three cells of two tries each"
    nominatim.faults = [403] * 100
    named = ask(nominatim, folders, *((184, col) for col in range(40)))
    assert named.asked == 1 and "InsufficientPrivileges" in (named.why or "")


def test_processes_share_the_turns(nominatim, folders):
    threads = [
        threading.Thread(target=ask, args=(nominatim, folders, *((100 + part, col) for col in range(6))),
                         kwargs={"requests_per_second": 10.0})
        for part in range(3)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = sorted(nominatim.times)
    gaps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert len(times) == 18 and times[-1] - times[0] >= 1.6 and sorted(gaps)[len(gaps) // 2] > 0.08


def test_too_many_cells_are_refused_before_the_first_request(nominatim, folders):
    with pytest.raises(LandloomError, match="30 cells have no answer yet, and 20 may be asked for"):
        ask(nominatim, folders, *((184, col) for col in range(30)), most_cells=20)
    assert not nominatim.times


def test_another_service_and_its_key(folders, nominatim, monkeypatch):
    with pytest.raises(LandloomError, match="geopy has no geocoder 'atlantis'"):
        ask(nominatim, folders, (0, 0), service="atlantis", attribution="a", options={})
    with pytest.raises(LandloomError, match="the environment variable GEO_KEY is not set"):
        ask(nominatim, folders, (0, 0), service="opencage", attribution="a", options={}, key={"api_key": "GEO_KEY"})
    with pytest.raises(LandloomError, match="opencage does not take them"):
        ask(nominatim, folders, (0, 0), service="opencage", attribution="a", options={"colour": "blue"})


def test_photon_answers_too(folders):
    with serving() as server:
        feature = {"geometry": {"coordinates": [8.1, 46.1]}, "properties": {"name": "Peak", "state": "Valais",
                   "country": "Switzerland"}}  # fmt: skip
        server.routes["/reverse"] = lambda handler: handler.json({"features": [feature]})
        settings = Geocoder(by="geocoder", service="photon", attribution=OSM, user_agent=AGENT,
                            options={"domain": server.url.removeprefix("http://"), "scheme": "http"})  # fmt: skip
        named = name_cells([(184, 32)], settings, folders.kept, folders.turns, print)
    assert named.names[(184, 32)] == "Valais, Switzerland"


def test_cells():
    assert cell_of(46.01, 8.3, 0.25) == (184, 33) and cell_of(-0.01, -0.01, 0.25) == (-1, -1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "geocoder"},
        {"by": "geocoder", "user_agent": "me"},
        {"by": "geocoder", "user_agent": AGENT, "options": {"api_key": "x"}},
        {"by": "geocoder", "service": "photon"},
        {"by": "polygons", "file": "a", "columns": ["b"]},
        {"by": "guess"},
    ],
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(ValidationError):
        Facts.model_validate({"name": "facts", "place": wrong})


def test_without_either_there_is_no_name(folders):
    assert find_places(rows((46, 8)), NoPlace(by="none"), folders, print).found == {}
    assert TypeAdapter(Facts).validate_python({"name": "facts"}).place == NoPlace(by="none")
    assert json.dumps(Facts(name="facts").model_dump(mode="json"))
