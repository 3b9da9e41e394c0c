"""The network whose features compare pictures: Inception from a file, the packaged EfficientNet-Lite0, or a random one.

An Inception file gives FID, KID, precision, recall, density and coverage under these names. The names of the same
numbers in the features of another network begin with that network: they cannot be compared with published FIDs.

EfficientNet-Lite0 gives the mean and the spread of each channel at four depths (strides 2, 4, 8 and 16). They hold
colour, texture and shapes. The output of the last layer, which tells classes of objects apart, separates mild
controls from real pictures less well. A random network overlooks blur and JPEG, so the headline is then that of the
plain statistics, which tell every control (docs/evaluation-of-pictures.md).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.features.efficientnet import SHA256
from models.features.names import LITE0
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.stage import Stage
from tasks.evaluate.fid import Inception
from tasks.evaluate.params import Params
from tasks.evaluate.spaces import INCEPTION, Space, named

BATCH = 32


def network(stage: Stage[Params]) -> Space:
    """The space of `evaluate.inception`, else of `evaluate.network`.

    Raises:
        LandloomError: a file of weights cannot be used, or a package is missing.
    """
    pinned = stage.params.inception
    if pinned is not None:
        return _inception(Inception(stage.root / pinned.path, pinned.sha256))
    if stage.params.network == "efficientnet_lite0":
        return _efficientnet()
    return _random()


def _inception(inception: Inception) -> Space:
    def images(pictures: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(pictures, -1, 1))

    facts = {"network_md5": dvc_md5(inception.path), "network_sha256": inception.sha256}
    note = (
        "FID, KID, precision, recall, density and coverage use the Inception file; FID grows as samples shrink, so "
        "compare it with the floors only"
    )
    return Space(INCEPTION, lambda pictures: inception.features(pictures, images), False, True, note, facts)


def _efficientnet() -> Space:
    import models.core.portable  # noqa: F401 - the same square roots on every processor
    from models.features.efficientnet import packaged

    try:
        net = packaged()
    except ValueError as error:
        raise LandloomError(f"evaluate.network: {error}; or set network to random") from None

    def embed(part: np.ndarray) -> np.ndarray:
        import torch

        x = torch.from_numpy(np.moveaxis(part, -1, 1).astype(np.float32) / 127.5 - 1)
        with torch.inference_mode():
            found = [values.flatten(2).numpy().astype(np.float64) for values in net.features(x)]
        return np.concatenate([moment for values in found for moment in (values.mean(2), values.std(2))], axis=1)

    measures = named("lite0", LITE0)
    return Space(measures, _by_batches(embed), True, True, _note(LITE0), {"network_sha256": SHA256})


def _random() -> Space:
    import models.core.portable  # noqa: F401
    from models.core.features import NAME, SEED, features

    embed = _by_batches(lambda part: features(part).astype(np.float64))
    return Space(named("random", "random-network"), embed, True, False, _note(f"a {NAME}"), {"network_seed": SEED})


def _by_batches(embed: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    def all_of(pictures: np.ndarray) -> np.ndarray:
        return np.concatenate([embed(pictures[at : at + BATCH]) for at in range(0, len(pictures), BATCH)])

    return all_of


def _note(network: str) -> str:
    return (
        f"Pictures are compared by features of {network} and by plain statistics of colour, texture and layout. These "
        "distances are no FID"
    )
