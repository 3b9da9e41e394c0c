"""Blob storage on loopback that wants the Planetary Computer's tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import planetary_computer.sas
import planetary_computer.settings
import pytest

from tests.acquire.catalogue import Catalogue
from tests.acquire.server import Handler


class Azure:
    """Blob storage that requires a token, and the service that issues tokens."""

    def __init__(self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch):
        self.server, self.lives, self.valid, self.given = catalogue.server, timedelta(hours=1), "", 0
        monkeypatch.setattr(planetary_computer.sas, "BLOB_STORAGE_DOMAIN", f"127.0.0.1:{self.server.port}")
        settings = planetary_computer.settings.Settings(sas_url=f"{self.server.url}/token", subscription_key=None)
        monkeypatch.setattr(planetary_computer.settings.Settings, "get", lambda: settings)
        self.server.routes["/token/127/files"] = self._token
        for path in [path for path in self.server.routes if path.startswith("/files/")]:
            self.server.routes[path] = self._guarded(self.server.routes[path])

    def _token(self, handler: Handler) -> None:
        self.given += 1
        self.valid = f"sig=secret{self.given}"
        expiry = (datetime.now(UTC) + self.lives).strftime("%Y-%m-%dT%H:%M:%SZ")
        handler.json({"msft:expiry": expiry, "token": self.valid})

    def _guarded(self, route: Any) -> Any:
        return lambda handler: route(handler) if handler.path.endswith(f"?{self.valid}") else handler.answer(403, b"")
