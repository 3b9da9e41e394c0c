"""The describer that asks a model: within the budget, from the store where an answer is known, else from templates."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tasks.caption.describer import Caption, Facts
from tasks.caption.prose.batches import Batches
from tasks.caption.prose.budget import Budget
from tasks.caption.prose.client import connect
from tasks.caption.prose.estimate import estimate
from tasks.caption.prose.oneby import OneByOne
from tasks.caption.prose.request import request_key
from tasks.caption.prose.settings import Api
from tasks.caption.prose.store import Store, told
from tasks.caption.prose.work import Item, verdicts
from tasks.caption.templates import TemplateDescriber

Picture = Callable[[str], np.ndarray]
"""Makes the picture of a tile by its key, RGB uint8 (px, px, 3). One thread at a time."""


@dataclass
class Spent:
    """What one run did, for its record: it differs from run to run."""

    sent: int = 0
    usd: float = 0.0


class ProseDescriber:
    """A `Describer`. The same tiles and parameters give the same captions, from the store, without a request."""

    def __init__(
        self,
        api: Api,
        templates: TemplateDescriber,
        store: Store,
        picture: Picture,
        say: Callable[[str], None],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ):
        self._api, self._templates, self._store, self._picture = api, templates, store, picture
        self._say, self._progress = say, progress
        self.spent = Spent()

    def __call__(self, keys: Sequence[str], facts: Sequence[Facts]) -> list[Caption]:
        """One caption for each tile.

        Raises:
            LandloomError: no key in the environment, or the API does not know the key, the model or the address.
        """
        chosen = chosen_tiles(keys, self._api.tiles)
        requests, items = self.items(keys, facts, chosen)
        budget = self.budget(list(items.values()))
        self._collect(items, budget)
        wanted = [item for item in items.values() if item.open(self._api)]
        if wanted:
            self._say(estimate(wanted, self._api, budget).line(self._api))
            before = budget.spent
            self._ask(wanted, budget)
            self.spent.usd = budget.spent - before
        payers = {request: key for key, request in reversed(requests.items())}  # of tiles that share one, the first
        captions = []
        for key, known in zip(keys, facts, strict=True):
            request = requests.get(key)
            item = items[request] if request else None
            captions.append(self._caption(key, known, item, pays=payers.get(request) == key))
        return captions

    def check_key(self) -> None:
        """Raise `LandloomError` if no answer is known and the environment has no key: before the work, not after it.

        With answers in the store, a key may not be needed: a reproduction has none.
        """
        if self._store.empty:
            connect(self._api)

    def items(
        self, keys: Sequence[str], facts: Sequence[Facts], chosen: Sequence[str]
    ) -> tuple[dict[str, str], dict[str, Item]]:
        """The request of each chosen tile by its key, and the item of each request, in the order of sending.

        Tiles of equal content share a request.
        """
        known = dict(zip(keys, facts, strict=True))
        requests = {key: request_key(known[key], self._picture(key), self._api) for key in chosen}
        rows = self._store.rows(requests.values())
        items: dict[str, Item] = {}
        for key, request in requests.items():
            if request not in items:
                items[request] = Item(request, known[key], lambda key=key: self._picture(key), rows.get(request, []))
        return requests, items

    def budget(self, items: list[Item]) -> Budget:
        """The budget after all earlier runs of the dataset, whatever they asked for."""
        facts = max((item.facts_bytes for item in items), default=0)
        text = max((item.text_bytes for item in items), default=0)
        budget = Budget(self._api, self._store.spent, text, facts)
        for item in items:
            for tokens in item.tokens:
                budget.learn(tokens)
        return budget

    def _collect(self, items: dict[str, Item], budget: Budget) -> None:
        """Settle what an earlier run left on its way: requests in batches are asked for, others count as lost."""
        sent = [row for item in items.values() for row in item.rows if row.state == "sent"]
        self._store.lost(row.id for row in sent if row.batch is None)
        if any(row.batch for row in sent):
            batches = Batches(connect(self._api), self._api, self._store, budget, self._say)
            batches.collect({row.batch for row in sent if row.batch})
            self._reload(list(items.values()))

    def _ask(self, wanted: list[Item], budget: Budget) -> None:
        client = connect(self._api)
        one_by_one = OneByOne(client, self._api, self._store, budget)
        batches = Batches(client, self._api, self._store, budget, self._say)
        try:
            if self._api.batch is not None:
                if budget.seen is None:
                    one_by_one.run(wanted[:1], lambda done: None)  # its answer tells what a picture costs
                batches.run(wanted)
            left = [item for item in wanted if item.open(self._api)]
            one_by_one.run(left, lambda done: self._progress(done, len(left)))
        finally:
            self.spent.sent += one_by_one.sent + batches.sent

    def _reload(self, items: list[Item]) -> None:
        rows = self._store.rows(item.request for item in items)
        for item in items:
            item.rows = rows.get(item.request, [])

    def _caption(self, key: str, facts: Facts, item: Item | None, pays: bool) -> Caption:
        template = Caption(self._templates.text(key, facts))
        if item is None:
            return replace(template, reason="the budget is for other tiles: caption.method.api.tiles")
        cost = round(item.usd, 9) if pays else 0.0
        paid = replace(template, request=item.request, cost_usd=cost, answers=told(item.rows) if item.rows else None)
        judged = verdicts(item.rows, facts)
        for row, verdict in judged:
            if verdict.text:
                left_out = "; ".join(verdict.reasons) or None
                model = row.model or self._api.model
                return replace(paid, text=verdict.text, text_from="model", reason=left_out, model=model)
        rejected = "; ".join(judged[-1][1].reasons) if judged else None
        return replace(paid, reason=item.why or rejected or "no answer came")


def chosen_tiles(keys: Sequence[str], most: int | None) -> list[str]:
    """The tiles that get prose, in the order of sending: by a hash of the key.

    A budget that ends early is then spread evenly over the dataset.
    """
    return sorted(keys, key=lambda key: hashlib.blake2b(key.encode(), digest_size=8, person=b"prose").digest())[:most]
