"""Parameters of the API that writes prose, its prices, and the budget."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.core.settings import Strict


class Prices(Strict):
    """What the model costs, in US dollars for a million tokens. 0 for a server of your own."""

    input: float = Field(ge=0.0)
    """Tokens of instructions, facts and picture."""
    output: float = Field(ge=0.0)
    """Tokens of the answer."""


class Batch(Strict):
    """The Batch API: cheaper, answers within a day. What it leaves over is asked for one by one."""

    discount: float = Field(0.5, ge=0.0, lt=1.0)
    """Share of the price that a batch saves."""
    most_requests: int = Field(50_000, ge=1, le=50_000)
    """Requests in one file; the published limit."""
    most_mb: float = Field(190.0, gt=0.0, le=200.0)
    """Size of one file in MB. The published limit is 200 MB; uploads near it were refused."""
    at_once: int = Field(4, ge=1, le=100)
    """Batches that the API works on at the same time. It also limits the tokens that wait in a queue."""
    least: int = Field(100, ge=1)
    """With fewer requests than this, or with a budget for fewer, they are asked for one by one."""
    rounds: int = Field(3, ge=1, le=20)
    """Batches of what an earlier one left over (expired, faulty or rejected), before requests go one by one."""
    poll_s: float = Field(30.0, gt=0.0, le=3600.0)
    """Seconds between two looks at a batch."""


class Api(Strict):
    """A model behind an API of OpenAI's form, with pictures and structured output. Its key is in OPENAI_API_KEY."""

    model: str = Field(min_length=1)
    """Name of the model at the API."""
    base_url: str | None = Field(None, pattern=r"^https?://")
    """Address of the API, such as `http://localhost:8000/v1`. Null: OPENAI_BASE_URL, else OpenAI's own."""
    usd_per_million: Prices
    """Prices of the model. They bound the cost, so a wrong price makes a wrong bound."""
    cap_usd: float = Field(ge=0.0)
    """What the texts of this dataset may cost in all runs together. The rest of the tiles get texts from templates."""
    tiles: int | None = Field(None, ge=1)
    """Tiles that get prose, drawn evenly; null for all."""
    batch: Batch | None = None
    """Null: one request for each tile, at once. `{}` for the Batch API."""
    connections: int = Field(8, ge=1, le=256)
    """Requests at the same time."""
    tries: int = Field(2, ge=1, le=5)
    """Answers for one tile, before the template is taken: the next one is told why the last was rejected."""
    retries: int = Field(6, ge=0, le=20)
    """Repetitions of a request that failed on the way: no answer, too many requests, an error of the server."""
    timeout_s: float = Field(60.0, gt=0.0, le=3600.0)
    """Seconds without an answer after which a request has failed. It counts as paid: it may have been answered."""
    most_wait_s: float = Field(120.0, gt=0.0, le=3600.0)
    """The longest wait that a server may ask for. If it asks for more, the remaining tiles get texts from templates."""
    picture_px: int = Field(256, ge=64, le=2048)
    """Least side of the picture that is sent; smaller tiles are enlarged by a whole factor."""
    picture_tokens: int = Field(3000, ge=0)
    """Tokens that a picture costs at most, for the bound before the first answer. The answers tell the true number."""
    detail: Literal["low", "high", "auto"] = "low"
    """How closely the model looks at the picture. `low` has a fixed price at OpenAI."""
    most_tokens: int = Field(300, ge=60, le=20_000)
    """Tokens of one answer at most. Models that think first need thousands."""
    limit_key: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Name of that limit in the request: older compatible servers know `max_tokens` only."""
    temperature: float | None = Field(None, ge=0.0, le=2.0)
    """Null: the model's own; some models take no other."""
