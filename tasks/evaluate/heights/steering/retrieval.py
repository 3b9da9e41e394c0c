"""Retrieval: can the caption of a sample be found among all captions, from the sample alone?

Two linear maps bring the descriptors of a tile and the words of a caption into one space, in which pairs lie together:
regularised canonical correlation (Hotelling 1936; Vinod 1976 for the ridge). They learn from half of the held-out
pairs of real tiles and captions. The captions of the other half are then ranked for each sample by cosine. R@k is the
share of samples whose own caption is among the first k; without any relation it is k divided by the number of captions.
Nothing is drawn at random but the halves.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from tasks.evaluate.distances import Scale
from tasks.evaluate.heights.steering.part import Answer, Held
from tasks.relief.descriptors import describe

RANKS = (1, 5)
LEAST = 40  # fewest held-out pairs; half of them learn
RARE = 3  # fewest captions that have a word; rarer words are left out
RIDGE = 0.3  # share of the mean variance that is added to every variance, as there are few pairs for many words
EQUAL = 1e-9  # a smaller difference of two cosines is rounding
DIRECTIONS = 16  # dimensions of the common space


def retrieval(held: Held, made: np.ndarray, gsd: float, rng: np.random.Generator) -> dict[str, Answer]:
    """R@k of samples and of real tiles, one value for each tile of the half that did not learn.

    Args:
        made: samples of the captions of `held`, float32 (n, px, px).
    """
    captioned = np.flatnonzero([bool(text) for text in held.captions])
    if len(captioned) < LEAST:
        return {}
    order = rng.permutation(captioned)
    learn, test = order[: len(order) // 2], order[len(order) // 2 :]
    real, generated = describe(held.heights, gsd)[0], describe(made, gsd)[0]
    scale = Scale.fit(real[learn])
    words = _words([held.captions[index] for index in learn])
    texts = np.stack([_bag(text, words) for text in held.captions])
    to_tiles, to_texts = _canonical(scale.apply(real[learn]), texts[learn])
    centre = texts[learn].mean(axis=0)
    targets = _unit((texts[test] - centre) @ to_texts)
    same = np.array([[held.captions[one] == held.captions[other] for other in test] for one in test])
    likeness = {
        which: _unit(scale.apply(rows[test]) @ to_tiles) @ targets.T
        for which, rows in (("generated", generated), ("real", real))
    }
    found = {}
    for k in RANKS:
        values = {which: np.full(len(held.captions), np.nan) for which in (*likeness, "control")}
        for which, one in likeness.items():
            values[which][test] = _recall(one, same, k)
        values["control"][test] = np.minimum(1.0, k * same.sum(axis=1) / len(test))
        title = f"own caption is {'the first' if k == 1 else f'among the first {k}'} of {len(test)} (R@{k})"
        found[f"recall_{k}"] = Answer(title, values["generated"], values["control"], values["real"])
    return found


def _recall(likeness: np.ndarray, same: np.ndarray, k: int) -> np.ndarray:
    """Chance of the own caption to be among the first k, (n,): 0 or 1, or between them where others are as near.

    Args:
        same: which captions equal the own one, bool (n, n); they count as one.
    """
    own = np.where(same, likeness, -np.inf).max(axis=1, keepdims=True)
    nearer = ((likeness > own + EQUAL) & ~same).sum(axis=1)
    equal = ((np.abs(likeness - own) <= EQUAL) & ~same).sum(axis=1)
    return np.clip((k - nearer) / (equal + 1), 0.0, 1.0)


def _words(captions: list[str]) -> list[str]:
    """Words and pairs of words that several captions have, without numbers, sorted."""
    counts = Counter(word for text in captions for word in set(_split(text)))
    return sorted(word for word, count in counts.items() if RARE <= count < len(captions))


def _split(text: str) -> list[str]:
    single = re.findall(r"[a-z][a-z-]+", text.lower())
    return single + [f"{one} {other}" for one, other in zip(single, single[1:], strict=False)]


def _bag(text: str, words: list[str]) -> np.ndarray:
    present = set(_split(text))
    return np.array([word in present for word in words], np.float64)


def _canonical(tiles: np.ndarray, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps (D, k) and (W, k) of centred rows into the common space, scaled by their correlations."""
    tiles, texts = tiles - tiles.mean(axis=0), texts - texts.mean(axis=0)
    roots = [_inverse_root(part) for part in (tiles, texts)]
    left, strength, right = np.linalg.svd(roots[0] @ (tiles.T @ texts / len(tiles)) @ roots[1], full_matrices=False)
    k = min(DIRECTIONS, len(strength))
    weight = np.sqrt(strength[:k])
    return roots[0] @ left[:, :k] * weight, roots[1] @ right[:k].T * weight


def _inverse_root(rows: np.ndarray) -> np.ndarray:
    """The inverse square root of the covariance with its ridge."""
    values, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    values = np.maximum(values, 0.0) + RIDGE * max(float(values.mean()), 1e-12)
    return vectors / np.sqrt(values) @ vectors.T


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
