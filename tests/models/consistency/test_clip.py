import json
import sqlite3

import numpy as np
import pytest

from models.consistency.text.store import Store
from tests.models.consistency.worded import TEXTS, finished, made, shaken


def test_features_are_computed_once_also_across_processes_and_kills(tmp_path):
    asked = []

    def compute(text):
        asked.append(text)
        return np.full(3, len(text), np.float32)

    texts = ["a", "bb", "a", "ccc"]
    store = Store(tmp_path / "text", "one", (3,), compute)
    assert store(texts)[:, 0].tolist() == [1, 2, 1, 3] and asked == ["a", "bb", "ccc"]
    again = Store(tmp_path / "text", "one", (3,), compute)
    assert again([*texts, "dddd"])[:, 0].tolist() == [1, 2, 1, 3, 4] and asked == ["a", "bb", "ccc", "dddd"]
    assert Store(tmp_path / "text", "two", (3,), compute)(["a"]).shape == (1, 3) and asked[-1] == "a"
    assert store([]).shape == (0, 3)
    with sqlite3.connect(tmp_path / "text" / "one.sqlite") as base:
        assert base.execute("select count(*) from features").fetchone() == (4,)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A CLIP text model of a few hundred random weights, saved as transformers saves the published ones."""
    transformers = pytest.importorskip("transformers", reason="the optional package transformers is not installed")
    folder = tmp_path_factory.mktemp("clip")
    letters = sorted({letter for text in TEXTS for letter in text.lower() if letter.isalnum()} | set("gxyz"))
    vocabulary = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    transformers.CLIPTokenizer(
        json.loads((folder / "vocab.json").read_text()), [], model_max_length=77
    ).save_pretrained(folder)
    config = transformers.CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=8,
        bos_token_id=len(vocabulary) - 2,
        eos_token_id=len(vocabulary) - 1,
        pad_token_id=0,
    )
    transformers.CLIPTextModel(config).save_pretrained(folder)
    return folder


def test_a_local_model_steers_and_its_hash_travels(clip, tmp_path):
    text = {"name": "clip", "model": str(clip), "store": str(tmp_path / "store"), "length": 40}
    method, values, encoding, config = made(text=text)
    assert config["encoding"]["text"]["sha256"] == encoding.words.identity["sha256"]
    codes = encoding.words.codes([TEXTS[0], "", TEXTS[0], "x"])
    assert codes.shape == (4, 40, 16) and np.array_equal(codes[0], codes[2]) and not codes[1].any()
    assert (codes[3] != 0).any(axis=1).sum() == 3  # start, one token, end
    assert encoding.words.unknown("high xyz mountains") == ["xyz"]
    model = finished(shaken(method), config)
    assert not np.array_equal(*model.sample([0, 16], 1, 1, {"text": np.array(TEXTS, object)}))


def test_a_missing_model_is_told(clip, tmp_path):
    with pytest.raises(ValueError, match=r"text.model: .*nothing is no CLIP model"):
        made(text={"name": "clip", "model": str(tmp_path / "nothing"), "store": str(tmp_path)})
