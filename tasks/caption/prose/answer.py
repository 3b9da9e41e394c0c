"""The answer of the model: what it says, or why it is none; and the tokens that are charged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.caption.check.verdict import Verdict, judge
from tasks.caption.check.wording import name_problems
from tasks.caption.describer import Facts


class Told(BaseModel):
    """The structured output."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sentences: list[str] = Field(min_length=1)
    landforms: list[str]
    places: list[str]


@dataclass(frozen=True)
class Answer:
    """One completed answer.

    Attributes:
        content: the text of the answer, None if the model refused or gave none.
        fault: why there is no content, in words.
        refused: true if asking again will not help.
        tokens: of input and of output that are charged; None if the answer does not say.
        model: the exact model, as the answer names it.
    """

    content: str | None
    fault: str | None
    refused: bool
    tokens: tuple[int, int] | None
    model: str | None


def read_answer(raw: Any) -> Answer | None:
    """An answer from the body of a response; None if it is no chat completion."""
    try:
        choice = raw["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        content, refusal = message.get("content"), message.get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
    tokens, model = _tokens(raw.get("usage")), raw.get("model") if isinstance(raw.get("model"), str) else None
    if refusal or finish == "content_filter":
        return Answer(None, f"the model refuses: {_short(refusal or 'its filter')}", True, tokens, model)
    if finish == "length":
        return Answer(None, "the answer is cut off: raise caption.method.api.most_tokens", False, tokens, model)
    if not isinstance(content, str):
        return Answer(None, "the answer has no text", False, tokens, model)
    return Answer(content, None, False, tokens, model)


def judged(content: str, facts: Facts) -> Verdict:
    """The verdict on the text of an answer: its form, its sentences, its places."""
    try:
        told = Told.model_validate_json(content)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "the answer"
        return Verdict(None, (f"the answer is not of the form that was asked for: {where}: {problem['msg']}",))
    if problems := name_problems(told.places, facts):
        return Verdict(None, tuple(problems))
    return judge(told.sentences, facts)


def stored(answer: Answer) -> str:
    """The answer as a JSON object, for the table and the store."""
    told = {"content": answer.content, "fault": answer.fault, "refused": answer.refused, "tokens": answer.tokens}
    return json.dumps(told, ensure_ascii=False)


def _tokens(usage: Any) -> tuple[int, int] | None:
    if not isinstance(usage, dict):
        return None
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    return counts if all(isinstance(count, int) and count >= 0 for count in counts) else None  # type: ignore[return-value]


def _short(text: Any) -> str:
    return " ".join(str(text).split())[:200]
