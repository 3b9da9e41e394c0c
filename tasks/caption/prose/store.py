"""Every answer that was paid for, and every cent: a small database that outlives runs and kills.

A row is written before a request is sent, with the most that it can cost, and changed when its answer has come. So a
kill loses no answer that had come, and the cost of those on their way is counted at its bound.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["sent", "answered", "lost"]
_TABLES = """
create table if not exists requests (
  id integer primary key, request text not null, state text not null, usd real not null,
  answer text, model text, batch text, dataset text not null
);
create index if not exists by_request on requests (request);
create table if not exists batches (tag text primary key, id text not null);
"""
_ROWS = "select id, request, state, usd, answer, model, batch, dataset from requests"
_AT_ONCE = 500  # values in one query; old versions of SQLite take 999
WAIT_S = 60.0  # for another process that writes


@dataclass(frozen=True)
class Row:
    """One request that was sent.

    Attributes:
        request: its content key. state: on its way, answered, or lost (sent, and no answer came).
        usd: what it cost; where that is unknown, the most that it can have cost.
        answer: as `tasks.caption.prose.answer.stored` writes it. model: the exact model. batch: tag of its batch.
        dataset: the one that paid.
    """

    id: int
    request: str
    state: State
    usd: float
    answer: str | None
    model: str | None
    batch: str | None
    dataset: str


class Store:
    """Rows by request. Threads, processes and datasets may share it: an answer serves them all, and one pays."""

    def __init__(self, folder: Path, dataset: str):
        """Open the store of `folder`. `dataset` pays for what is sent."""
        folder.mkdir(parents=True, exist_ok=True)
        self.dataset = dataset
        self._lock = threading.Lock()
        self._base = sqlite3.connect(folder / "answers.sqlite", timeout=WAIT_S, check_same_thread=False)
        with self._lock, self._base:
            self._base.executescript(_TABLES)

    def close(self) -> None:
        self._base.close()

    @property
    def empty(self) -> bool:
        """Whether nothing was ever sent."""
        with self._lock:
            return self._base.execute("select 1 from requests limit 1").fetchone() is None

    @property
    def spent(self) -> float:
        """US dollars that this dataset spent on all requests, also those that no tile has any more."""
        with self._lock:
            query = "select coalesce(sum(usd), 0.0) from requests where dataset = ?"
            return float(self._base.execute(query, (self.dataset,)).fetchone()[0])

    def rows(self, requests: Iterable[str]) -> dict[str, list[Row]]:
        """The rows of some requests, each in the order of sending."""
        wanted, found = sorted(set(requests)), defaultdict(list)
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            with self._lock:
                for row in self._base.execute(
                    f"{_ROWS} where request in ({', '.join('?' * len(part))}) order by id", part
                ):
                    found[row[1]].append(Row(*row))
        return found

    def send(self, requests: Iterable[tuple[str, float]], batch: str | None = None) -> list[int]:
        """Note requests that are about to be sent, with the most that each can cost; return their ids."""
        with self._lock, self._base:
            return [
                int(
                    self._base.execute(
                        "insert into requests (request, state, usd, batch, dataset) values (?, 'sent', ?, ?, ?)",
                        (key, usd, batch, self.dataset),
                    ).lastrowid
                    or 0
                )
                for key, usd in requests
            ]

    def answered(self, row: int, usd: float, answer: str, model: str | None) -> None:
        """The answer has come."""
        self._change(
            "update requests set state = 'answered', usd = ?, answer = ?, model = ? where id = ?",
            usd,
            answer,
            model,
            row,
        )

    def lost(self, rows: Iterable[int]) -> None:
        """No answer came, and the request may be charged: it stays at its bound."""
        self._many("update requests set state = 'lost' where id = ?", rows)

    def free(self, rows: Iterable[int]) -> None:
        """The requests were not accepted, so they cost nothing."""
        self._many("delete from requests where id = ?", rows)

    def adopt(self, request: str, told: str) -> bool:
        """Take over what another machine paid for, as `told` wrote it; False if there are rows of this request."""
        with self._lock, self._base:
            if self._base.execute("select 1 from requests where request = ? limit 1", (request,)).fetchone():
                return False
            self._base.executemany(
                "insert into requests (request, state, usd, answer, model, dataset) values (?, ?, ?, ?, ?, ?)",
                [
                    (request, row["state"], row["usd"], row["answer"], row["model"], self.dataset)
                    for row in json.loads(told)
                ],
            )
            return True

    def batches(self) -> dict[str, str | None]:
        """The ids of the batches that requests are on their way in, by tag; None where the API gave no id yet."""
        with self._lock:
            query = "select distinct r.batch, b.id from requests r left join batches b on b.tag = r.batch "
            return dict(self._base.execute(query + "where r.state = 'sent' and r.batch is not null order by r.batch"))

    def in_batch(self, tag: str) -> list[Row]:
        """The rows of one batch that are on their way."""
        with self._lock:
            return [
                Row(*row)
                for row in self._base.execute(f"{_ROWS} where state = 'sent' and batch = ? order by id", (tag,))
            ]

    def name_batch(self, tag: str, identity: str) -> None:
        """The API has accepted a batch and given it an id."""
        self._change("insert or replace into batches (tag, id) values (?, ?)", tag, identity)

    def _change(self, query: str, *values: object) -> None:
        with self._lock, self._base:
            self._base.execute(query, values)

    def _many(self, query: str, rows: Iterable[int]) -> None:
        with self._lock, self._base:
            self._base.executemany(query, [(row,) for row in rows])


def told(rows: Iterable[Row]) -> str:
    """All rows of a request as a JSON list, for the table: another machine takes them over instead of paying again."""
    every = [{"state": row.state, "usd": row.usd, "answer": row.answer, "model": row.model} for row in rows]
    return json.dumps(every, ensure_ascii=False)
