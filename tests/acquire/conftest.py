"""Servers on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acquire.catalogue import Catalogue
from tests.acquire.server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def catalogue(tmp_path) -> Iterator[Catalogue]:
    with serving() as server:
        yield Catalogue(server, tmp_path / "published")
