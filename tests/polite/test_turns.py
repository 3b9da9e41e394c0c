"""Hosts get no more than they bear, from all threads and processes together."""

from __future__ import annotations

import threading
import time

from tasks.polite.limits import PUBLISHED, Limit, limit_of
from tasks.polite.throttle import Throttle


def test_published_limits_hold_whatever_the_parameters_allow():
    assert limit_of("example.org", 4.0, 6) == Limit(0.25, 6)
    assert limit_of("www.loc.gov:443", 100.0, 16) == PUBLISHED["www.loc.gov"]
    assert limit_of("www.loc.gov", 0.1, 1).gap_s == 10, "parameters can be gentler"
    media = limit_of("upload.wikimedia.org", 4.0, 4)
    assert (media.connections, media.bytes_per_s) == (2, 25e6 / 8)
    assert limit_of("nominatim.openstreetmap.org", 100.0, 16) == Limit(1.0, 1)


def test_connections_are_counted_over_all_clients(tmp_path):
    throttles, most, active, lock = [Throttle(tmp_path, 100, 2) for _ in range(3)], 0, 0, threading.Lock()

    def use(throttle: Throttle) -> None:
        nonlocal most, active
        with throttle.connection("host"):
            with lock:
                active += 1
                most = max(most, active)
            time.sleep(0.03)
            with lock:
                active -= 1

    threads = [threading.Thread(target=use, args=(throttle,)) for throttle in throttles * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_hold_also_stops_those_who_had_their_turn(tmp_path):
    throttle, moments = Throttle(tmp_path, 2.0), []
    throttle.wait("host")
    thread = threading.Thread(target=lambda: (throttle.wait("host"), moments.append(time.monotonic())))
    thread.start()  # its turn is in half a second
    time.sleep(0.1)
    started = time.monotonic()
    throttle.hold("host", 0.8)
    thread.join()
    assert moments[0] - started >= 0.79


def test_bytes_cost_time(tmp_path, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "slow", Limit(0.0, 1, 1000.0))
    throttle = Throttle(tmp_path, 100.0)
    throttle.wait("slow")
    throttle.pay("slow", 300)
    started = time.monotonic()
    throttle.wait("slow")
    assert time.monotonic() - started > 0.25
