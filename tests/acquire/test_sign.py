"""Signed addresses: tokens are shared, renewed, and never written down."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from tasks.core.errors import LandloomError
from tests.acquire.azure import Azure
from tests.acquire.catalogue import fetch
from tests.acquire.server import Handler


def test_one_token_serves_a_container_and_is_written_nowhere(tmp_path, catalogue, monkeypatch):
    for cell in ("N46E008", "N46E009", "N46E010"):
        catalogue.add(cell)
    azure = Azure(catalogue, monkeypatch)
    ledger = fetch(tmp_path, catalogue, [8, 46, 11, 47], sign="planetary-computer")
    assert azure.given == 1 and ledger["refused"].isna().all()
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ledger["url"].str.endswith(".tif").all()


def test_a_token_turned_down_is_renewed(tmp_path, catalogue, monkeypatch):
    catalogue.add("N46E008")
    catalogue.add("N46E009")
    azure = Azure(catalogue, monkeypatch)
    guarded = catalogue.server.routes["/files/DEM_N46E008.tif"]

    def expire_then(handler: Handler) -> None:
        azure.valid = "expired early" if azure.given == 1 else azure.valid
        guarded(handler)

    catalogue.server.routes["/files/DEM_N46E008.tif"] = expire_then
    ledger = fetch(tmp_path, catalogue, [8, 46, 10, 47], sign="planetary-computer", connections=1)
    assert azure.given == 2 and ledger["refused"].isna().all()


def test_a_token_near_its_end_is_not_used(tmp_path, catalogue, monkeypatch):
    catalogue.add("N46E008")
    catalogue.add("N46E009")
    azure = Azure(catalogue, monkeypatch)
    azure.lives = timedelta(seconds=30)
    fetch(tmp_path, catalogue, [8, 46, 10, 47], sign="planetary-computer", connections=1)
    assert azure.given == 2


def test_no_access_stops_the_run_and_leaves_nothing(tmp_path, catalogue, monkeypatch):
    catalogue.add("N46E008")
    Azure(catalogue, monkeypatch)
    started = time.monotonic()
    with pytest.raises(LandloomError, match="answers 403"):
        fetch(tmp_path, catalogue, ["N46E008"])
    assert time.monotonic() - started < 10 and not (tmp_path / "data/terrain/raw").exists()
