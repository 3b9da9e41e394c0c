"""Recognition of classes in a later run, by the means of their features, which are kept with the classifier."""

from __future__ import annotations

import numpy as np

from tasks.core.errors import LandloomError
from tasks.label.classifier import Classifier, Prototype
from tasks.label.legend import Legend


def prototypes(found: Legend, planes: np.ndarray) -> list[Prototype]:
    """The classes before all edits, because every run applies the edits again."""
    means = [planes[found.labels == one.number].mean(axis=0) for one in found.classes]
    return [
        Prototype(one.name, one.color, [float(f"{value:.6g}") for value in mean])
        for one, mean in zip(found.classes, means, strict=True)
    ]


def nearest(planes: np.ndarray, names: list[str], earlier: Classifier) -> np.ndarray:
    """For each sampled pixel (n, F) the earlier class with the nearest means, in the scaling of the earlier run.

    Raises:
        LandloomError: the earlier run measured other features.
    """
    if earlier.names != names:
        odd = sorted(set(earlier.names) ^ set(names))
        raise LandloomError(
            f"cluster.reference: its classes were found with other features ({', '.join(odd)}); take the same radii, "
            "layers and lightness, or set reference to null"
        )
    scaled = earlier.scaling.apply(planes)
    means = earlier.scaling.apply(np.array([one.mean for one in earlier.found], np.float32))
    return np.square(scaled[:, None] - means).sum(axis=2).argmin(axis=1)
