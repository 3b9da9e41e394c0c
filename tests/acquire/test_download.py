"""A download is cached, resumed, shared between processes, and checked."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import pytest

from tasks.acquire.common.download import Downloads
from tasks.acquire.common.http import Http, Patience, plain
from tasks.acquire.common.source import Refusal
from tasks.core.errors import LandloomError
from tasks.polite.throttle import Throttle
from tests.acquire.downloads import ANY, BODY, ETAG, downloads, get, http, left_behind, status
from tests.acquire.server import Handler, Server, file_route, in_turn


def test_a_second_run_asks_nothing(tmp_path, server):
    server.routes["/a.tif"] = file_route(BODY, ETAG, Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")
    for _ in range(3):
        target = tmp_path / "out.tif"
        target.unlink(missing_ok=True)
        given = downloads(tmp_path).deliver(f"{server.url}/a.tif", target, ANY)
        assert target.read_bytes() == BODY
    assert len(server.seen) == 1
    assert (given.etag, given.modified) == (ETAG, "Mon, 01 Jan 2024 00:00:00 GMT")
    assert given.sha256 == hashlib.sha256(BODY).hexdigest()
    headers = server.seen[0][3]
    assert headers["User-Agent"].startswith("landloom/0.") and headers["Accept-Encoding"] == "identity"


def test_a_refresh_asks_whether_the_file_is_still_the_same(tmp_path, server, monkeypatch):
    url = f"{server.url}/a.tif"
    server.routes["/a.tif"] = file_route(BODY, ETAG)
    get(tmp_path, url)
    monkeypatch.setenv("LANDLOOM_REFRESH", "1")
    assert get(tmp_path, url) == BODY
    assert server.seen[-1][3]["If-None-Match"] == ETAG
    server.routes["/a.tif"] = status(304)
    assert get(tmp_path, url) == BODY
    server.routes["/a.tif"] = status(503)
    assert get(tmp_path, url) == BODY, "a server in trouble does not take away what is here"
    server.routes["/a.tif"] = file_route(BODY[::-1], '"two"')
    assert get(tmp_path, url) == BODY[::-1]
    server.routes["/a.tif"] = status(404)
    with pytest.raises(Refusal):
        get(tmp_path, url)


def test_damaged_cache_is_fetched_again(tmp_path, server):
    server.routes["/a.tif"] = file_route(BODY)
    get(tmp_path, f"{server.url}/a.tif")
    cached = next((tmp_path / "downloads").rglob("*.bytes"))
    cached.chmod(0o644)
    cached.write_bytes(BODY[:-1] + b"?")
    assert get(tmp_path, f"{server.url}/a.tif") == BODY
    assert len(server.seen) == 2


def test_a_cut_off_body_is_resumed(tmp_path, server):
    def cut(handler: Handler) -> None:
        handler.cut(200, BODY[:300_000], len(BODY), ETag=ETAG)

    server.routes["/a.tif"] = in_turn(cut, file_route(BODY, ETAG))
    assert get(tmp_path, f"{server.url}/a.tif") == BODY
    second = server.seen[1][3]
    start = int(second["Range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < start <= 300_000 and second["If-Range"] == ETAG


def test_a_resumed_file_that_changed_starts_anew(tmp_path, server):
    new = BODY[::-1]

    def cut(handler: Handler) -> None:
        handler.cut(200, BODY[:300_000], len(BODY), ETag=ETAG)

    server.routes["/a.tif"] = in_turn(cut, file_route(new, '"two"'))
    assert get(tmp_path, f"{server.url}/a.tif") == new


def test_a_wrong_range_is_not_stitched_in(tmp_path, server):
    def cut(handler: Handler) -> None:
        handler.cut(200, BODY[:300_000], len(BODY), ETag=ETAG)

    def wrong(handler: Handler) -> None:
        handler.answer(206, BODY[5:], ETag=ETAG, Content_Range=f"bytes 5-{len(BODY) - 1}/{len(BODY)}")

    server.routes["/a.tif"] = in_turn(cut, wrong, file_route(BODY, ETAG))
    assert get(tmp_path, f"{server.url}/a.tif") == BODY
    assert "Range" not in server.seen[2][3]


def test_a_run_that_gave_up_goes_on_where_it_was(tmp_path, server):
    def cut(handler: Handler) -> None:
        handler.cut(200, BODY[:300_000], len(BODY), ETag=ETAG)

    server.routes["/a.tif"] = in_turn(cut, status(503))
    with pytest.raises(LandloomError, match=r"answers 503; gave up .* Run again later"):
        get(tmp_path, f"{server.url}/a.tif", retries=1)
    assert left_behind(tmp_path) == [".json", ".part"]
    assert not (tmp_path / "out/file.bin").exists()
    server.routes["/a.tif"] = file_route(BODY, ETAG)
    assert get(tmp_path, f"{server.url}/a.tif") == BODY
    assert "Range" in server.seen[-1][3]
    assert left_behind(tmp_path) == [".bytes", ".json"]


def test_a_server_that_dies_and_comes_back(tmp_path):
    first = Server()
    port, url = first.port, f"{first.url}/a.tif"

    def die(handler: Handler) -> None:
        handler.cut(200, BODY[:300_000], len(BODY), ETag=ETAG)
        threading.Thread(target=first.close).start()

    first.routes["/a.tif"] = die
    revived: list[Server] = []

    def revive() -> None:
        time.sleep(0.6)
        revived.append(Server(port))
        revived[0].routes["/a.tif"] = file_route(BODY, ETAG)

    threading.Thread(target=revive).start()
    patient = Http(Throttle(tmp_path / "hosts", 100), Patience(2.0, 12, 30.0, backoff_s=0.1))
    target = tmp_path / "a.tif"
    Downloads(tmp_path / "downloads", patient, 1 << 24).deliver(url, target, ANY)
    assert target.read_bytes() == BODY
    assert "Range" in revived[0].seen[0][3]
    revived[0].close()


def test_one_rate_for_all_threads_and_processes(tmp_path, server):
    server.routes["/a"] = lambda handler: handler.answer(200, b"ok")
    clients = [http(tmp_path, rate=20.0) for _ in range(4)]  # each has its own throttle on the same folder
    threads = [threading.Thread(target=client.text, args=("GET", f"{server.url}/a")) for client in clients * 3]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moments = sorted(seen[0] for seen in server.seen)
    assert len(moments) == 12
    assert moments[-1] - begin >= 11 / 20, "a busy machine makes it longer only"


def test_two_at_a_time_fetch_once(tmp_path, server):
    server.routes["/a.tif"] = file_route(BODY)
    shared = downloads(tmp_path)
    targets = [tmp_path / f"{number}.tif" for number in range(4)]
    threads = [threading.Thread(target=shared.deliver, args=(f"{server.url}/a.tif", target, ANY)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(target.read_bytes() == BODY for target in targets)
    assert len(server.seen) == 1


def test_signatures_are_kept_out_of_what_is_written_down():
    signed = "https://user:pw@a.blob.core.windows.net/c/x.tif?v=1&sv=2020&se=2030&sig=abc%2F&X-Amz-Signature=zz"
    assert plain(signed) == "https://a.blob.core.windows.net/c/x.tif?v=1"


def test_a_full_disk_is_one_clear_error(tmp_path, server):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    server.routes["/a.tif"] = file_route(BODY)
    key = hashlib.sha256(f"{server.url}/a.tif".encode()).hexdigest()
    part = tmp_path / "downloads" / key[:2] / f"{key}.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(LandloomError, match="cannot be written: .*No space left"):
        get(tmp_path, f"{server.url}/a.tif")
