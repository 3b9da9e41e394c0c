import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images

from models.features import efficientnet
from models.features.efficientnet import packaged


def test_the_packaged_network_knows_a_palace_and_a_daisy():
    network = packaged()
    squares = [picture[:420, 100:520] for picture in load_sample_images().images]
    x = torch.from_numpy(np.stack(squares).transpose(0, 3, 1, 2).astype(np.float32)) / 127.5 - 1
    x = torch.nn.functional.adaptive_avg_pool2d(x, 210)
    with torch.inference_mode():
        best = network(x).argsort(dim=1, descending=True)[:, :3].tolist()
        shapes = [tuple(part.shape[1:]) for part in network.features(x)]
    assert 698 in best[0] and 985 in best[1]  # classes of ImageNet: palace, daisy
    assert shapes == [(16, 105, 105), (24, 53, 53), (40, 27, 27), (112, 14, 14)]


def test_another_file_is_refused(monkeypatch):
    monkeypatch.setattr(efficientnet, "SHA256", "0" * 64)
    with pytest.raises(ValueError, match="efficientnet-lite0.*the file has the SHA-256 5793"):
        packaged()
    monkeypatch.setattr(efficientnet, "PACKAGE", "no-such-package")
    with pytest.raises(ValueError, match="no-such-package is not installed"):
        packaged()
