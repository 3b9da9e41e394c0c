"""Names of places from a geocoder of geopy: one request a cell, in turn with every process of this user.

A cell that fails has no name in this run and is asked for again in the next. Only answers are kept: a name, or that
there is nothing (open sea). Answers of another machine come with the last table.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from geopy.adapters import RequestsAdapter
from geopy.exc import (
    ConfigurationError,
    GeocoderAuthenticationFailure,
    GeocoderInsufficientPrivileges,
    GeocoderNotFound,
    GeocoderQueryError,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeopyError,
)
from geopy.geocoders import get_geocoder_for_service
from geopy.geocoders.base import Geocoder as Service

from tasks.caption.place.settings import Geocoder
from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.polite.throttle import Throttle

KEY = "caption.method.place"
FINAL = (
    ConfigurationError,
    GeocoderAuthenticationFailure,
    GeocoderInsufficientPrivileges,
    GeocoderQueryError,
    GeocoderQuotaExceeded,
)
"""Errors that another try does not mend: no further cell is asked for."""
IN_A_ROW = 3  # cells without an answer, after which the service counts as down
HOLD_S = 10.0  # seconds to wait after "too many requests" without a Retry-After; doubled each time

Cell = tuple[int, int]


@dataclass(frozen=True)
class Named:
    """What is known of the cells.

    Attributes:
        names: by cell; None where the service knows no name. failed: cells without an answer.
        asked: requests that were sent. why: the last failure, or None.
    """

    names: dict[Cell, str | None]
    failed: list[Cell]
    asked: int
    why: str | None


def cell_of(lat: float, lon: float, cell_deg: float) -> Cell:
    """Row and column of the cell around a point, in degrees of WGS 84."""
    return math.floor(lat / cell_deg), math.floor(lon / cell_deg)


def name_cells(
    cells: Iterable[Cell],
    settings: Geocoder,
    cache: Path,
    turns: Callable[[], Path],
    say: Callable[[str], None],
    earlier: Callable[[], dict[Cell, str | None]] = dict,
) -> Named:
    """Name cells from the cache, then from the last table, and ask the service for the rest.

    Args:
        cache: folder that keeps answers. turns: makes the folder that every process of this user shares.
        earlier: reads the names of the last table; called if the cache does not have all cells.

    Raises:
        LandloomError: geopy has no such geocoder, a key is missing, or more cells are missing than may be asked for.
    """
    folder = cache / answered_by(settings)
    wanted = sorted(set(cells))
    names = {cell: json.loads(file.read_text())["name"] for cell in wanted if (file := _file(folder, cell)).exists()}
    missing = [cell for cell in wanted if cell not in names]
    if missing:
        adopted = {cell: name for cell, name in earlier().items() if cell in set(missing)}
        for cell, name in adopted.items():
            write_json(_file(folder, cell), {"name": name, "raw": None})
        if adopted:
            say(f"{settings.service}: {len(adopted)} cells have their names from the last captions.parquet")
        names |= adopted
        missing = [cell for cell in missing if cell not in adopted]
    if len(missing) > settings.most_cells:
        raise LandloomError(
            f"{KEY}.most_cells: {len(missing)} cells have no answer yet, and {settings.most_cells} may be asked for; "
            "make cell_deg larger, use polygons, ask a server of your own, or raise most_cells"
        )
    if not missing:
        return Named(names, [], 0, None)
    service = _service(settings)
    throttle, host = (
        Throttle(turns(), settings.requests_per_second, 1),
        str(settings.options.get("domain") or _host(service)),
    )
    say(f"{settings.service}: {len(missing)} cells to ask for, at most {settings.requests_per_second:g} a second")
    asker = _Asker(service, settings, throttle, host)
    failed: list[Cell] = []
    in_a_row = 0
    for cell in missing:
        if asker.over or in_a_row >= IN_A_ROW:
            failed.append(cell)
            continue
        try:
            names[cell], raw = asker.ask(cell)
        except GeopyError as error:
            asker.why = f"{type(error).__name__}: {error}"
            failed.append(cell)
            in_a_row += 1
            continue
        in_a_row = 0
        write_json(_file(folder, cell), {"name": names[cell], "raw": raw})
    return Named(names, failed, asker.asked, asker.why)


class _Asker:
    """Asks for one cell after the other. After an error that nothing mends, `over` is true."""

    def __init__(self, service: Service, settings: Geocoder, throttle: Throttle, host: str):
        self._service, self._settings, self._throttle, self._host = service, settings, throttle, host
        self.asked, self.over, self.why = 0, False, None

    def ask(self, cell: Cell) -> tuple[str | None, Any]:
        """The name of one cell (None: nothing is there) and the whole answer; raises `GeopyError` after all tries."""
        side = self._settings.cell_deg
        middle = (round((cell[0] + 0.5) * side, 6), round((cell[1] + 0.5) * side, 6))
        for attempt in range(self._settings.tries):
            try:
                with self._throttle.connection(self._host):
                    self._throttle.wait(self._host)
                    self.asked += 1
                    found = self._service.reverse(middle, exactly_one=True, **_reverse(self._settings))
                return (_name(found, self._settings) if found else None), (found.raw if found else None)
            except GeocoderNotFound:
                return None, None
            except GeocoderRateLimited as error:
                wait, most = error.retry_after, self._settings.most_wait_s
                if wait and wait > most:
                    self.over = True
                    raise GeocoderRateLimited(
                        f"it asks to wait {wait:g} s, longer than most_wait_s, {most:g}"
                    ) from None
                wait = wait or min(HOLD_S * 2**attempt, most)
                self._throttle.hold(self._host, wait)  # every process that shares the turns waits
                if attempt + 1 == self._settings.tries:
                    raise
            except FINAL:
                self.over = True
                raise
            except GeopyError:
                if attempt + 1 == self._settings.tries:
                    raise
        raise AssertionError("tries is at least 1")


def _service(settings: Geocoder) -> Service:
    # geopy's own repetitions are off: they take no turns, and they sleep as long as Retry-After says, without a word.
    once = partial(RequestsAdapter, max_retries=0)
    options: dict[str, Any] = {"timeout": settings.timeout_s, "adapter_factory": once, **settings.options}
    if settings.user_agent:
        options["user_agent"] = settings.user_agent
    for argument, variable in settings.key.items():
        if not os.environ.get(variable):
            raise LandloomError(f"{KEY}.key: the environment variable {variable} is not set; put the {argument} there")
        options[argument] = os.environ[variable]
    try:
        return get_geocoder_for_service(settings.service)(**options)
    except GeocoderNotFound:
        raise LandloomError(f"{KEY}.service: geopy has no geocoder {settings.service!r}") from None
    except (TypeError, ConfigurationError) as error:
        raise LandloomError(f"{KEY}.options: {settings.service} does not take them: {error}") from None


def _host(service: Service) -> str:
    return str(getattr(service, "domain", "") or type(service).__name__).strip("/")


def _reverse(settings: Geocoder) -> dict[str, Any]:
    return dict(settings.defaults.reverse if settings.reverse is None else settings.reverse)


def _name(found: Any, settings: Geocoder) -> str | None:
    """The name from an answer, of its parts that are in Latin letters; None where none is."""
    keys = settings.parts or settings.defaults.parts
    address = found.raw.get("address") if isinstance(found.raw, dict) else None
    if keys and isinstance(address, dict):
        parts = [address.get(key) for key in keys]
    else:
        parts = str(found.address or "").split(",")[-2:]
    told = dict.fromkeys(part.strip() for part in parts if isinstance(part, str) and _latin(part))
    return ", ".join(told) or None


def _latin(part: str) -> bool:
    letters = [letter for letter in part if letter.isalpha()]
    return bool(letters) and all("LATIN" in unicodedata.name(letter, "") for letter in letters)


def answered_by(settings: Geocoder) -> str:
    """The service and a hash of what can change an answer; who asks and how fast cannot."""
    told = [settings.cell_deg, settings.parts, dict(sorted(settings.options.items())), _reverse(settings)]
    return f"{settings.service}-{hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=6).hexdigest()}"


def _file(folder: Path, cell: Cell) -> Path:
    return folder / f"{cell[0]}_{cell[1]}.json"
