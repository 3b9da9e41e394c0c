"""The verdict on a text: which sentences stand, and why the others do not."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.caption.check.directions import direction_problems
from tasks.caption.check.landforms import landform_problems
from tasks.caption.check.numbers import number_problems
from tasks.caption.check.wording import wording_problems
from tasks.caption.describer import Facts

MOST_SENTENCES = 2
CHECKS: tuple[Callable[[str, Facts], list[str]], ...] = (
    wording_problems,
    number_problems,
    landform_problems,
    direction_problems,
)
LEANS = re.compile(
    r"^(it|its|they|their|these|this|those|that|he|she|here|there|both|such|which|where)\b", re.IGNORECASE
)
"""Beginnings of a sentence that speaks of something in the sentence before."""
MADE = re.compile(r"\b(procedural\w*|synthetic\w*|computed|generated|artificial\w*)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """What is left of a text after the check.

    Attributes:
        text: the sentences that stand; None if the text as a whole is rejected.
        reasons: why sentences were rejected, one line each.
    """

    text: str | None
    reasons: tuple[str, ...]


def judge(sentences: Sequence[str], facts: Facts) -> Verdict:
    """Check each sentence against the facts.

    A rejected sentence is left out if the rest still stands by itself: a sentence that begins with `it` needs the one
    before. Computed ground must be called so.
    """
    reasons: list[str] = []
    kept: list[str] = []
    complete = True  # whether all sentences so far stand
    for sentence in (one.strip() for one in sentences):
        problems = [problem for check in CHECKS for problem in check(sentence, facts)]
        if not problems and not complete and LEANS.match(sentence):
            problems = ["it speaks of the sentence before, which was left out"]
        if problems:
            complete = False
            reasons += [f"“{sentence}”: {problem}" for problem in problems]
        else:
            kept.append(sentence)
    if len(sentences) > MOST_SENTENCES:
        return Verdict(None, (*reasons, f"{len(sentences)} sentences, at most {MOST_SENTENCES} are asked for"))
    text = " ".join(kept)
    if text and facts["procedural"] and not MADE.search(text):
        return Verdict(None, (*reasons, "the ground is computed, and the text does not say so"))
    return Verdict(text or None, tuple(reasons))
