"""Words: is the generated ground what the caption of a held-out tile says?

The samples are steered by the captions of held-out tiles. Their facts are measured by the code that measured the facts
of captions, at the default scale of landforms; captions of another scale lower the ceiling too. A sample answers a
question if its caption asks it (`steering.asked`). The control compares each sample with another caption, that of
another tile, so it says how often chance is right. The ceiling compares the held-out tiles with their own captions, so
it says how much of what is asked the measurement finds in real ground.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tasks.evaluate.heights.steering.asked import Asked, answers, asked
from tasks.evaluate.heights.steering.part import Answer, Part, Task, others, summarise
from tasks.evaluate.heights.steering.plots import samples_of_captions
from tasks.evaluate.heights.steering.retrieval import retrieval
from tasks.relief.ground_facts import FLAT_DEG, LOOKUP_PX, height_facts

QUESTIONS = {
    "relief": "class of relief is the one that was asked for",
    "landform": "landform that was asked for is one of the two most common",
    "slope": "most common class of slope is one that was asked for",
    "aspect": "slopes face the quadrant that was asked for",
}
METHOD = (
    "The captions of held-out tiles steer the samples. Facts of samples and of held-out tiles are measured alike, with "
    f"landforms within {LOOKUP_PX} pixels, where angles below {FLAT_DEG:g}° are level: the defaults of captions. "
    "Each question counts only captions that ask it. In the column of another tile's, each sample is compared with "
    "another caption, that of another tile: this is chance. Real tiles are compared with their own captions."
)


def measure(task: Task) -> Part | None:
    """The measurement; None if no held-out tile has a caption."""
    held = task.held
    if not any(held.captions):
        return None
    made = task.sample({"text": np.array(held.captions, object)}, guidance=task.guidance)
    facts = height_facts(made, task.gsd, LOOKUP_PX, FLAT_DEG)
    wishes = [asked(text) for text in held.captions]
    other, differs = others(held.captions, task.rng("other captions"))
    chance = _values([wishes[index] for index in other], facts)
    sets = {
        "generated": _values(wishes, facts),
        "control": {name: np.where(differs, values, np.nan) for name, values in chance.items()},
        "real": _values(wishes, held.facts),
    }
    found = {name: Answer(title, *(sets[which][name] for which in sets)) for name, title in QUESTIONS.items()}
    found |= retrieval(held, made, task.gsd, task.rng("retrieval"))
    metrics, table, details = summarise("text", found, held.kinds)
    picture = samples_of_captions(held, made, task.gsd)
    return Part(
        "Does it do what the words say?",
        [METHOD],
        metrics,
        table,
        details,
        _finding(details),
        ("Samples of captions of held-out tiles, below the tiles that the captions describe.", picture),
    )


def _values(wishes: list[Asked], facts: list[dict]) -> dict[str, np.ndarray]:
    rows = [answers(wish, one) for wish, one in zip(wishes, facts, strict=True)]
    return {name: np.array([row[name] for row in rows]) for name in QUESTIONS}


def _finding(details: dict[str, Any]) -> str:
    told = []
    for name in ("relief", "landform", "slope", "aspect"):
        if name in details:
            own, chance = (details[name][which]["all"] for which in ("generated", "control"))
            by_chance = "" if chance is None else f" (chance {100 * chance:.0f} %)"
            told.append(f"{name} {100 * own:.0f} %{by_chance}")
    return f"What the words ask for is there: {', '.join(told)}." if told else "No caption asks for what is measured."
