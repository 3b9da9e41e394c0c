"""What the texts will cost: an expectation and a bound, before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.caption.prose.budget import Budget
from tasks.caption.prose.settings import Api
from tasks.caption.prose.work import Item

BYTES_PER_TOKEN = 4.0  # of English text
ANSWER_TOKENS = 90  # two sentences and the lists


@dataclass(frozen=True)
class Estimate:
    """Requests that are not yet answered, and their cost in US dollars.

    Attributes:
        requests: how many. usd: expected, with one answer each. most_usd: the bound, with every try at its longest.
        spent: what was spent before.
    """

    requests: int
    usd: float
    most_usd: float
    spent: float

    def line(self, api: Api) -> str:
        """One line for a person."""
        left = max(0.0, api.cap_usd - self.spent)
        end = "" if self.usd <= left else "; the cap ends it early, and the rest of the tiles get texts from templates"
        return (
            f"{self.requests} texts by {api.model}: about {self.usd:.2f} USD, at most {self.most_usd:.2f}; "
            f"spent before {self.spent:.2f}, cap {api.cap_usd:.2f}{end}"
        )


def estimate(items: Sequence[Item], api: Api, budget: Budget) -> Estimate:
    """The cost of the next answers of `items`."""
    price = 1.0 - api.batch.discount if api.batch and len(items) >= api.batch.least else 1.0
    guessed = sum(int(item.text_bytes / BYTES_PER_TOKEN) + api.picture_tokens for item in items)
    tokens = guessed if budget.seen is None else len(items) * budget.seen
    usd = price * budget.cost(tokens, len(items) * min(ANSWER_TOKENS, api.most_tokens))
    return Estimate(len(items), usd, len(items) * api.tries * budget.bound(), budget.spent)
