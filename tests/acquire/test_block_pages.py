"""A page for people where a picture is due: the run stops, nothing of it is kept, and the next run goes on.

`test_arcgis.py`, `test_iiif.py` and `test_openverse.py` hold their sources to the same.
"""

from __future__ import annotations

import pytest

from tasks.core.errors import LandloomError
from tests.acquire.imagery import Imagery, fetch, ground
from tests.acquire.mediawiki import Wiki
from tests.acquire.published import photographs
from tests.acquire.server import Handler
from tests.acquire.stage import acquire, params

PAGE = b"<!DOCTYPE html><html><head><title>Are you a robot?</title></head><body>captcha</body></html>"


def blocked(handler: Handler) -> None:
    handler.answer(200, PAGE, Content_Type="text/html; charset=utf-8")


def test_pictures_of_a_wiki(tmp_path, server):
    wiki = Wiki(server)
    for number, body in enumerate(photographs(8)):
        wiki.add(f"Peak {number}.jpg", "Peaks", body)
    files = {path: route for path, route in server.routes.items() if path.startswith(("/full/", "/thumb/"))}
    server.routes.update({path: blocked for path in files if "Peak_0" not in path and "Peak_1" not in path})
    given = params("commons", url=wiki.url, categories=["Peaks"], requests_per_second=100.0, connections=2, retries=2)
    with pytest.raises(LandloomError, match="sends a web page with the title “Are you a robot.” where .* is due"):
        acquire(tmp_path, given)
    asked = sum(server.count(path) for path in files)
    assert asked <= 2 + 2 * 2, "a host that blocks is left alone"
    assert not [path for path in tmp_path.rglob("*.bytes") if path.read_bytes() == PAGE]
    server.routes.update(files)
    assert acquire(tmp_path, given)["refused"].isna().sum() == 8


def test_parts_of_satellite_scenes(tmp_path, server):
    catalogue = Imagery(server, tmp_path / "published")
    catalogue.sentinel("one", ground())
    files = {path: route for path, route in server.routes.items() if path.startswith("/files/")}
    server.routes.update(dict.fromkeys(files, blocked))
    with pytest.raises(LandloomError, match="sends a web page with the title “Are you a robot.” where a file is due"):
        fetch(tmp_path, catalogue)
    assert sum(server.count(path) for path in files) <= 2
    assert not any(PAGE[:40] in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    server.routes.update(files)
    assert fetch(tmp_path, catalogue)["refused"].isna().all()
