"""Requests one by one, several at a time: retries, waits that the server asks for, and a stop when all is over."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

import openai

from tasks.caption.prose.answer import stored
from tasks.caption.prose.budget import Budget
from tasks.caption.prose.client import Outcome, ask
from tasks.caption.prose.settings import Api
from tasks.caption.prose.store import Store
from tasks.caption.prose.work import Item
from tasks.core.errors import LandloomError

BACKOFF_S, BACKOFF_MOST_S = 0.5, 30.0  # the first wait after a failure, doubled each time
IN_A_ROW = 12  # requests in a row that failed with all their retries: the API counts as down


class OneByOne:
    """Sends the requests of items until each has an answer that stands, or a reason why it has none."""

    def __init__(self, client: openai.OpenAI, api: Api, store: Store, budget: Budget):
        self._client, self._api, self._store, self._budget = client, api, store, budget
        self._lock = threading.Lock()
        self._resume = 0.0  # moment until which the server wants no request
        self._failed = 0  # requests in a row
        self.sent = 0

    def run(self, items: Sequence[Item], say: Callable[[int], None]) -> None:
        """Work on all items. `say` gets the number of items that are done.

        The first item goes alone: a wrong key or model shows at once, and its answer tells what a picture costs.

        Raises:
            LandloomError: the API does not know the key, the model or the address; answers that came are kept.
        """
        if not items:
            return
        self._work(items[0])
        say(1)
        with ThreadPoolExecutor(self._api.connections) as pool:
            waiting = {pool.submit(self._work, item): item for item in items[1:]}
            try:
                for done, future in enumerate(as_completed(waiting), start=2):
                    future.result()
                    say(done)
            except BaseException:
                self._budget.stop("the run ended early")
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _work(self, item: Item) -> None:
        while item.open(self._api):
            if not self._answer(item):
                return

    def _answer(self, item: Item) -> bool:
        """Get one answer for an item; False if none came, and `item.why` then says why."""
        for attempt in range(self._api.retries + 1):
            outcome = self._send(item)
            if outcome.answer:
                self._failed, item.why = 0, None
                return True
            item.why = outcome.fault
            if outcome.over:
                self._budget.stop(outcome.fault)
            if not outcome.again or self._budget.stopped:
                break
            if attempt == self._api.retries:
                item.why = f"{outcome.fault}; gave up after {attempt + 1} tries"
            elif not self._wait(item, attempt, outcome.wait_s):
                item.why = self._budget.stopped
                break
        with self._lock:
            self._failed += 1
            if self._failed >= IN_A_ROW:
                self._budget.stop(f"the API gives no answer: {item.why}")
        return False

    def _send(self, item: Item) -> Outcome:
        time.sleep(max(0.0, self._resume - time.monotonic()))
        usd = self._budget.reserve()
        if usd is None:
            return Outcome(fault=self._budget.stopped or "the budget is used up")
        [row] = self._store.send([(item.request, usd)])
        with self._lock:
            self.sent += 1
        cost = usd
        try:
            outcome = ask(self._client, item.body(self._api))
            if outcome.answer:
                tokens = outcome.answer.tokens
                if tokens:
                    cost = self._budget.cost(*tokens)
                    self._budget.learn(tokens[0])
                self._store.answered(row, cost, stored(outcome.answer), outcome.answer.model)
            elif outcome.charged:
                self._store.lost([row])
            else:
                cost = 0.0
                self._store.free([row])
        except LandloomError:
            cost = 0.0
            self._store.free([row])
            raise
        finally:
            self._budget.settle(usd, cost)
        item.rows = self._store.rows([item.request])[item.request]
        return outcome

    def _wait(self, item: Item, attempt: int, told: float | None) -> bool:
        """Wait before the next try; False if the server asks for a longer wait than the parameters allow."""
        if told is not None:
            if told > self._api.most_wait_s:
                self._budget.stop(f"the server asks to wait {told:.0f} s, longer than most_wait_s")
                return False
            with self._lock:  # every request waits, because the server counts them all
                self._resume = max(self._resume, time.monotonic() + told)
            return True
        digest = hashlib.sha256(f"{item.request} {attempt}".encode()).digest()
        spread = 0.5 + digest[0] / 256  # so that requests that failed together do not come back together
        time.sleep(min(BACKOFF_MOST_S, BACKOFF_S * 2**attempt) * spread)
        return True
