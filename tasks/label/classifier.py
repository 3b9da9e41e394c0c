"""A small network that learns the clusters, maps features to class probabilities, and is stored as JSON.

UMAP takes minutes where the network takes a tenth of a second, and UMAP can only be stored as a pickle. The network
is a student. Its teacher is the vote of a pixel's nearest neighbours in the sample, which needs the whole sample.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.settings import validate
from tasks.label.params import Features, Pinned

FORMAT = "landloom-labels-1"
CLIP = 4.0  # robust standard deviations; values beyond are clipped, because larger differences mean nothing
CHUNK = 1 << 15  # pixels in one multiplication: fits in the cache of a core

ROUNDS = 20  # passes of the student over the teacher's labels
NEVER = -50.0  # logit of a class that is absent from the student's training set


@dataclass(frozen=True)
class Scaling:
    """Scaling of features: (x - centre) / spread, clipped, times weight. Each is (F,) float32."""

    centre: np.ndarray
    spread: np.ndarray
    weight: np.ndarray

    def apply(self, planes: np.ndarray) -> np.ndarray:
        """Scale raw features (n, F); returns float32 (n, F)."""
        return np.clip((planes - self.centre) / self.spread, -CLIP, CLIP) * self.weight


def fit_scaling(planes: np.ndarray, names: list[str], weights: dict[str, float]) -> Scaling:
    """Fit centre (median) and spread (half the distance between percentiles 16 and 84), which are robust to outliers.

    The weight of a kind of features does not depend on the number of its features.
    """
    low, centre, high = np.percentile(planes, [16, 50, 84], axis=0)
    spread = (high - low) / 2
    # The percentiles coincide where most pixels are equal (level ground); then the standard deviation is used.
    spread = np.where(spread > 1e-6, spread, np.maximum(planes.std(axis=0), 1e-6))
    kinds = [kind(name) for name in names]
    count = Counter(kinds)
    weight = np.array([weights[name] / np.sqrt(count[name]) for name in kinds])
    return Scaling(*(array.astype(np.float32) for array in (centre, spread, weight)))


def kind(name: str) -> str:
    """The kind of a feature, which has the weight."""
    if name.startswith("texture_"):
        return "texture"
    if name.startswith(("red_", "blue_", "excess_")):
        return "color"
    return "lightness" if name == "lightness" else "height"


class Prototype(NamedTuple):
    """A class before all edits: its name, its colour, and the means of its features."""

    name: str
    color: tuple[int, int, int]
    mean: list[float]


@dataclass(frozen=True)
class Classifier:
    """Scaling, one hidden layer and softmax, with the settings that measure the same features again.

    Attributes:
        classes: rows of the class card: id, name, red, green, blue.
        found: the classes before all edits; a later run recognises them by these.
        hidden, out: weights (F, M) and bias (M,); weights (M, k) and bias (k,); float32.
    """

    features: Features
    layers: tuple[str, ...]
    gsd: float | None
    names: list[str]
    scaling: Scaling
    hidden: tuple[np.ndarray, np.ndarray]
    out: tuple[np.ndarray, np.ndarray]
    classes: list[dict[str, Any]]
    found: list[Prototype]

    def probabilities(self, planes: np.ndarray) -> np.ndarray:
        """Class probabilities in 255ths, uint8 (k, n), of raw features (F, n).

        Probabilities are rounded to whole steps, because the last bits of products differ between processors and must
        not reach the labels.
        """
        (w1, b1), (w2, b2), scaling = self.hidden, self.out, self.scaling
        result = np.empty((w2.shape[1], planes.shape[1]), np.uint8)
        for start in range(0, planes.shape[1], CHUNK):
            part = planes[:, start : start + CHUNK]
            x = (part - scaling.centre[:, None]) / scaling.spread[:, None]
            x = np.clip(x, -CLIP, CLIP, out=x)
            x *= scaling.weight[:, None]
            h = w1.T @ x
            h += b1[:, None]
            np.maximum(h, 0, out=h)
            logits = w2.T @ h
            logits += b2[:, None]
            logits -= logits.max(axis=0)
            np.exp(logits, out=logits)
            logits *= 255 / logits.sum(axis=0)
            result[:, start : start + CHUNK] = np.rint(logits)
        return result

    def write(self, path: Path) -> None:
        """Write as JSON with nine digits, which restore a float32 exactly."""
        write_json(
            path,
            {
                "format": FORMAT,
                "features": self.features.model_dump(mode="json"),
                "layers": list(self.layers),
                "gsd": self.gsd,
                "names": self.names,
                "scaling": {key: _numbers(getattr(self.scaling, key)) for key in ("centre", "spread", "weight")},
                "hidden": {"weight": _numbers(self.hidden[0]), "bias": _numbers(self.hidden[1])},
                "out": {"weight": _numbers(self.out[0]), "bias": _numbers(self.out[1])},
                "classes": self.classes,
                "found": [one._asdict() for one in self.found],
            },
        )


def read_classifier(path: Path) -> Classifier:
    """Read what `Classifier.write` wrote; raise `LandloomError` with the path for any other file."""
    try:
        facts = json.loads(path.read_text())
        if facts["format"] != FORMAT:
            raise LandloomError(f"{path}: format {facts['format']!r}; this code reads {FORMAT}")
        return Classifier(
            validate(Features, facts["features"] | {"radii_px": tuple(facts["features"]["radii_px"])}, path.name),
            tuple(facts["layers"]),
            facts["gsd"],
            facts["names"],
            Scaling(*(_array(facts["scaling"][key]) for key in ("centre", "spread", "weight"))),
            (_array(facts["hidden"]["weight"]), _array(facts["hidden"]["bias"])),
            (_array(facts["out"]["weight"]), _array(facts["out"]["bias"])),
            facts["classes"],
            [Prototype(one["name"], tuple(one["color"]), one["mean"]) for one in facts["found"]],
        )
    except FileNotFoundError:
        raise LandloomError(
            f"{path}: there is no such classifier; it is `labels/classifier.json` of an earlier run, kept in git"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LandloomError(f"{path}: not a classifier of this project: {error}") from None


def read_pinned(pinned: Pinned, root: Path, key: str) -> Classifier:
    """The classifier that a parameter names; raise `LandloomError` where its hash differs."""
    path = root / pinned.path
    if path.is_file():
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != pinned.sha256:
            raise LandloomError(
                f"{key}: {pinned.path} has the sha256 {found}, not {pinned.sha256}; "
                "bring the file back, or write its hash here to mean the new one"
            )
    return read_classifier(path)


def teach(scaled: np.ndarray, labels: np.ndarray, others: np.ndarray, neighbours: int) -> np.ndarray:
    """The teacher: classes (m,) of other pixels, by a vote of their nearest neighbours in the sample.

    Args:
        scaled: (n, F) the sample. labels: (n,) its classes. others: (m, F) scaled features.
    """
    from sklearn.neighbors import KNeighborsClassifier
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return KNeighborsClassifier(neighbours, algorithm="brute", n_jobs=1).fit(scaled, labels).predict(others)


def learn(
    scaled: np.ndarray, labels: np.ndarray, k: int, hidden: int, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], float]:
    """Train the student. Returns both layers, and the agreement with the teacher on a held-out tenth."""
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    order = np.random.default_rng(seed).permutation(len(scaled))
    held, seen = order[: len(order) // 10], order[len(order) // 10 :]
    student = MLPClassifier(
        (hidden,),
        batch_size=min(max(len(seen) // 50, 16), 256),
        learning_rate_init=5e-3,
        max_iter=ROUNDS,
        n_iter_no_change=ROUNDS,
        random_state=seed,
    )
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fixed number of rounds, converged or not: the agreement is measured
        student.fit(scaled[seen], labels[seen])
        agreement = float(student.score(scaled[held], labels[held]))
    (w1, w2), (b1, b2) = student.coefs_, student.intercepts_
    if len(student.classes_) == 2:  # a single logit represents two classes
        w2, b2 = np.concatenate([-w2, w2], axis=1) / 2, np.concatenate([-b2, b2]) / 2
    weight, bias = np.zeros((hidden, k), np.float32), np.full(k, NEVER, np.float32)
    weight[:, student.classes_], bias[student.classes_] = w2, b2
    return (w1.astype(np.float32), b1.astype(np.float32)), (weight, bias), agreement


def _numbers(array: np.ndarray) -> list:
    return [_numbers(row) for row in array] if array.ndim > 1 else [float(f"{value:.9g}") for value in array]


def _array(numbers: list) -> np.ndarray:
    return np.array(numbers, np.float32)
