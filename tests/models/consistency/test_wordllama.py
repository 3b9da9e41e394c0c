import numpy as np
import pytest
import torch

from tests.models.consistency.worded import TEXTS, finished, made, shaken

pytest.importorskip("tokenizers", reason="the optional package tokenizers is not installed")
pytest.importorskip("wordllama", reason="the optional package wordllama is not installed")
NAME = {"name": "wordllama", "length": 24}


def test_its_table_stays_outside_the_model_and_its_hash_inside():
    method, _, encoding, config = made(text=NAME)
    assert not any("table" in name for name in method.networks.state_dict())
    assert config["encoding"]["text"]["sha256"] == encoding.words.identity["sha256"]
    found = finished(shaken(method), config).sample([0, 1], 1, 1, {"text": np.array(TEXTS, object)})
    assert np.isfinite(found).all() and not np.array_equal(*found)


def test_words_that_no_caption_has_are_told_and_steer_by_likeness():
    _, _, encoding, _ = made(text=NAME)
    assert encoding.words.unknown("High mountains, glaciated hills, 300 m") == ["glaciated", "m"]
    codes = encoding.words.codes(["peaks", "summits", "", None])
    assert codes[0].any() and codes[1].any() and not codes[2:].any()
    features, exists = encoding.words.embedding(8)(torch.from_numpy(codes))
    assert features.shape == (4, 24, 8) and exists[:, 0].tolist() == [True, True, False, False]


def test_another_version_of_its_files_is_refused():
    from models.consistency.text.encoder import open_encoder

    _, values, encoding, _ = made(text=NAME)
    with pytest.raises(ValueError, match="was trained with wordllama 0.0"):
        open_encoder(values.text, encoding.words.to_dict() | {"sha256": "0" * 64, "version": "0.0"})
