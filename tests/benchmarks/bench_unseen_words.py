"""Words that the model never saw: do the encoders `vocabulary` and `wordllama` make the relief that such words mean?

Two models, alike but for the encoder, learn from the captions of a dataset (`LANDLOOM_DATA=FOLDER`, with shards). Then
words of captions, and other words for the same ground, steer samples, and the relief of the samples is counted. Chance
is the share of samples of this relief under the words of the other kinds.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

from models.consistency.generator import HeightGenerator
from models.consistency.params import Params
from models.consistency.record import METHOD
from models.core.artifact import build_method
from models.core.config import LoopConfig
from tasks.core.settings import ROOT
from tasks.formats.shards.shardset import ShardSet
from tasks.relief.landform_classes import RELIEF_LIMITS
from tests.models.toys import fit

DATA = Path(os.environ.get("LANDLOOM_DATA", ROOT / "data/terrain"))
ENCODERS = ("vocabulary", "wordllama")
STEPS, BATCH = 1500, 32
SAMPLES = 64  # of each text
NETWORK = {"channels": 16, "multipliers": [1, 2], "blocks": 1, "attention": [8], "cross_attention": [16, 8], "patch": 4}
TOY = {"ENCODERS": ("vocabulary",), "STEPS": 2, "BATCH": 4, "SAMPLES": 2} | {
    "NETWORK": {"channels": 8, "multipliers": [1], "blocks": 1, "attention": [4], "patch": 4}
}
KINDS = ("plains", "hills", "mountains")
LIMITS = (RELIEF_LIMITS[1], RELIEF_LIMITS[3])  # metres: below hills, below mountains
SEEN = (("flat plains", "smooth plains"), ("low hills", "high hills"), ("low mountains", "high mountains"))
UNSEEN = (
    ("a prairie", "a steppe", "flatland", "a salt pan", "a savanna"),
    ("hillocks", "downs", "knolls", "hilly country", "foothills"),
    ("alps", "an alpine massif", "a cordillera", "a sierra", "peaks of a mountainous range"),
)
"""Words for plains, hills and mountains. Those of `UNSEEN` are in no caption template."""

Row = tuple[str, str, str]


def run() -> list[Row]:
    """Rows of the table."""
    if not (DATA / "shards").is_dir():
        return [("words that the model never saw", f"not measured: {DATA} has no shards", "")]
    shards, rows = ShardSet(DATA / "shards"), []
    for name in ENCODERS:
        if name == "wordllama" and not importlib.util.find_spec("wordllama"):
            rows.append((f"words that the model never saw, {name}", "not measured: the package is missing", ""))
            continue
        model = _trained(shards, name)
        for what, texts in (("words of captions", SEEN), ("words that no caption has", UNSEEN)):
            right, chance, each = _right(model, texts)
            told = ", ".join(
                f"{kind} {100 * share:.0f} %"
                for kind, share in zip(("plains", "hills", "mountains"), each, strict=True)
            )
            unknown = sorted({word for text in sum(texts, ()) for word in model.words.unknown(text)})
            row = f"{100 * right:.0f} % ({told}); words of another kind {100 * chance:.0f} %"
            rows.append((f"relief is of the kind that is asked for, {name}, {what}", row, ""))
            if texts is UNSEEN:
                rows.append((f"words that are unknown to {name}", ", ".join(unknown) or "none", ""))
    return rows


def _trained(shards: ShardSet, encoder: str) -> HeightGenerator:
    params = Params(conditions=("text",), text={"name": encoder}, text_width=32, network=NETWORK)
    known, px, gsd = shards.rows("train"), shards.px, shards.card["gsd"]

    def read(*layers: str):
        for start in range(0, len(known), 1024):
            yield _layers(shards, known[start : start + 1024])

    encoding = METHOD.fit(params, read, gsd)
    config = {"method": params.model_dump(mode="json"), "px": px, "gsd": gsd, "encoding": encoding.to_dict()}
    torch.manual_seed(0)
    method = build_method(config, 1e-3)
    loop = LoopConfig(
        steps=STEPS, lr=1e-3, ema_half_life=100.0, log_every=500, checkpoint_every=10**6, picture_every=10**6
    )

    def make(rng: np.random.Generator):
        return METHOD.encode(params, encoding, _layers(shards, rng.choice(known, BATCH)))

    with tempfile.TemporaryDirectory() as folder:
        networks = fit(method, make, Path(folder), loop).networks
    kept = nn.ModuleDict({name: networks[name] for name in method.ema}).eval().requires_grad_(False)
    return HeightGenerator(method, kept, config, torch.device("cpu"))


def _layers(shards: ShardSet, rows: np.ndarray) -> dict[str, np.ndarray]:
    heights = shards.batch(rows, ["height"])["height"]
    return {"height": np.nan_to_num(heights), "caption": shards.index["caption"].to_numpy(object)[rows]}


def _right(model: HeightGenerator, texts: tuple[tuple[str, ...], ...]) -> tuple[float, float, list[float]]:
    """Share of samples whose relief is of the kind that is asked for, the same under words of another kind, by kind."""
    shares = np.zeros((len(texts), 3))
    for kind, several in enumerate(texts):
        for text in several:
            heights = model.sample(range(SAMPLES), 0, 1, {"text": np.array([text] * SAMPLES, object)})
            found = np.searchsorted(LIMITS, np.ptp(heights, axis=(1, 2)), side="right")
            shares[kind] += np.bincount(found, minlength=3) / SAMPLES / len(several)
    own = np.diag(shares)
    return own.mean(), float((shares.sum(axis=0) - own).mean() / 2), own.tolist()
