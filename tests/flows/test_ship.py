"""A finished training becomes a model of the repository: its files, its card, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from safetensors.torch import load_file

import flows.ship
from flows.ship import main, ship
from flows.shipping.finished import public_domain
from models.core.artifact import load_model, save_model
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tests.models.consistency.worded import made
from tests.report.toy import account, write

FREE = "public domain (NASA/USGS SRTM)"


def source(licence: str = FREE, **changes: Any) -> dict[str, Any]:
    facts = {"source": "files", "licence": licence, "attribution": "not stated", "partition": "open", "tiles": 40}
    return {**facts, "procedural": False, "attributions": 1, "rasters": 2} | changes


def grow(root: Path, licence: str = FREE) -> Path:
    """The folder of a dataset after `evaluate`, with a small real model, untrained."""
    data = root / "elsewhere/data/toy"
    method, params, _, config = made()
    (data / "model").mkdir(parents=True)
    networks = torch.nn.ModuleDict({name: method.networks[name] for name in method.ema})
    save_model(data / "model", config | {"training": {"steps": 30}}, networks)
    rows = [
        LedgerRow("a.tif", "height", "files", licence, "not stated", path="a.tif", sha256="a" * 64, bytes=10),
        LedgerRow("b.tif", "height", "files", licence, "not stated", refused="no CRS"),
    ]
    write_ledger(rows, data / "raw")
    captions = {"count": 40, "by_model": 0, "example": "High mountains | steep.", "models": [], "attributions": []}
    splits = {"blocks": {"train": 5, "val": 2}, "shared_blocks": 0}
    card = {"counts": {"train": 32, "val": 8}, "splits": splits, "procedural_share": 0.0, "captions": captions}
    write(data / "shards/card.json", {**card, "sources": [source(licence)]})
    write(data / "evaluation/metrics.json", {**account(), "bootstrap": 50, "held_out": "f" * 32})
    told(data, params.model_dump(mode="json"))
    return data


def told(data: Path, method: dict[str, Any]) -> None:
    """Write the run files of train and evaluate, as the stages do."""
    hashes = {f"data/toy/{name}": dvc_md5(data / name) for name in ("shards", "model", "evaluation")}
    run = {"run_id": "c0ffee", "commit": "d" * 40, "dirty": True, "seed": 20}
    params = {"steps": 30, "batch": 8, "lr": 0.002, "method": method}
    shards, model, evaluation = ({path: value} for path, value in hashes.items())
    write(data / "runs/train.json", {**run, "params": params, "inputs": shards, "outs": model})
    write(data / "runs/evaluate.json", {**run, "params": {}, "inputs": model, "outs": evaluation})


@pytest.fixture
def data(tmp_path) -> Path:
    return grow(tmp_path)


def test_the_files_are_those_of_the_model_and_the_card_tells_of_them(data, tmp_path):
    folder = ship("toy", data, root=tmp_path)
    assert folder == tmp_path / "models/pretrained/toy"
    assert {path.name for path in folder.iterdir()} == {"config.json", "weights.safetensors", "README.md"}
    (tmp_path / "plain").touch()
    assert {path.stat().st_mode for path in folder.iterdir()} == {(tmp_path / "plain").stat().st_mode}
    ours, theirs = (load_model(place, "cpu").sample([0, 1], seed=3) for place in (folder, data / "model"))
    assert np.array_equal(ours, theirs)
    card = ModelCard.load(folder / "README.md")
    facts = card.data.to_dict()
    assert facts["license"] == "apache-2.0" and facts["datasets"] == ["public-domain-nasa-usgs-srtm"]
    assert facts["metrics"] == ["swd", "recall"] and "text" in facts["tags"]
    first = card.data.eval_results[0]
    assert (first.metric_type, first.metric_value, first.dataset_split) == ("swd", 0.07, "val")
    for words in (
        "16 × 16 pixels of 90 m, 1.44 km a side",
        f"| {FREE} | {FREE} | 2 | 40 |",
        "32 tiles to learn from and 8 held out",
        "5 blocks of ground are for\ntraining and 2 for evaluation, and none is for both",
        "“High mountains | steep.”",
        f"- `a.tif` {'a' * 64}\n",
        "30 steps of 8 tiles, learning rate 0.002, seed 20",
        "| run of `train` | c0ffee |",
        f"{'d' * 40}, with uncommitted changes",
        f"| DVC's hash of the trained model | {dvc_md5(data / 'model')} |",
        file_sha256(folder / "weights.safetensors"),
        "Headline, steps2: 0.07; training tiles reach 0.06",
        "| floor: set <floor_train> | 0.06 (0.05 – 0.07) | 0.06 |",
        "| **set <steps2>** | 0.07 (0.06 – 0.08) | 0.07 |",
        "- It beats <noise>.",
        "| question | hills |\n|---|---|\n| relief <class> | 72 % |",
        "- copies <found>: 2",
        "It upscales by 4",
        "single precision",
    ):
        assert words in card.text, words
    assert "b.tif" not in card.text and "Nothing" not in card.text and str(tmp_path) not in card.content


def test_a_model_that_is_there_is_replaced_as_a_whole_and_stays_when_the_next_is_refused(data, tmp_path):
    folder = ship("toy", data, root=tmp_path)
    before = dvc_md5(folder)
    (folder / "left.txt").write_text("of another day")
    assert dvc_md5(ship("toy", data, root=tmp_path)) == before
    with pytest.raises(LandloomError, match="weights take .* in half precision, .*at most 5,000"):
        ship("toy", data, root=tmp_path, most=5_000)
    assert dvc_md5(folder) == before and [path.name for path in folder.parent.iterdir()] == ["toy"]


def test_weights_that_are_too_large_are_rounded_and_the_card_says_so(data, tmp_path):
    size = (data / "model/weights.safetensors").stat().st_size
    folder = ship("toy", data, root=tmp_path, most=size - 1)
    weights = load_file(folder / "weights.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float16}
    assert "half precision" in (folder / "README.md").read_text()
    model = load_model(folder, "cpu")
    assert np.isfinite(model.sample([0], seed=3)).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model/weights.safetensors", "`dvc repro evaluate@toy` makes it"),
        ("raw/ledger.parquet", "missing, so there is no finished training"),
        ("runs/train.json", "`dvc repro train@toy` makes it"),
        ("evaluation/metrics.json", "`dvc repro evaluate@toy` makes it"),
        ("shards/card.json", "`dvc repro shard@toy` makes it"),
    ],
)
def test_what_is_missing_is_told_by_name(data, tmp_path, name, said):
    (data / name).unlink()
    with pytest.raises(LandloomError, match=f"{name}: missing.*{said}" if "`" in said else f"{name}: {said}"):
        ship("toy", data, root=tmp_path)
    assert not list((tmp_path / "models/pretrained").glob("*"))


def test_a_card_of_another_model_is_refused(data, tmp_path):
    scores = data / "evaluation/metrics.json"
    scores.write_text(scores.read_text() + "\n")
    with pytest.raises(LandloomError, match=r"evaluation: not the bytes that runs/evaluate.json tells of \(outs\)"):
        ship("toy", data, root=tmp_path)
    config = json.loads((data / "model/config.json").read_text())
    write(data / "model/config.json", {**config, "px": 32})
    with pytest.raises(LandloomError, match=r"model: not the bytes that runs/train.json tells of \(outs\)"):
        ship("toy", data, root=tmp_path)


def test_damage_is_refused(data, tmp_path):
    method = json.loads((data / "runs/train.json").read_text())["params"]["method"]
    (data / "shards/card.json").write_text("{")
    with pytest.raises(LandloomError, match="card.json: not valid JSON"):
        ship("toy", data, root=tmp_path)
    shutil.rmtree(data)
    grow(tmp_path)
    write(data / "model/config.json", {"format": "landloom-model/1"})
    told(data, method)
    with pytest.raises(LandloomError, match=r"elsewhere/data/toy/model: not a model .*landloom-model/1"):
        ship("toy", data, root=tmp_path)
    (data / "model/weights.safetensors").write_bytes(b"torn")
    told(data, method)
    with pytest.raises(LandloomError, match="weights.safetensors: not weights that can be read"):
        ship("toy", data, root=tmp_path)


def test_data_that_are_not_free_need_a_licence(tmp_path, monkeypatch, capsys):
    data = grow(tmp_path, "CC-BY-4.0")
    monkeypatch.setattr(flows.ship, "ROOT", tmp_path)
    monkeypatch.setattr(ship, "__defaults__", (None, tmp_path, 4_000_000))
    monkeypatch.setattr("sys.argv", ["ship", "toy", "--data", str(data)])
    with pytest.raises(SystemExit):
        main()
    assert "files: 2 rasters have the licence 'CC-BY-4.0', which does not say public domain" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["ship", "toy", "--data", str(data), "--licence", "cc-by-4.0"])
    main()
    assert "models/pretrained/toy/README.md: " in capsys.readouterr().out
    header = (tmp_path / "models/pretrained/toy/README.md").read_text().split("---\n")[1]
    assert yaml.safe_load(header)["license"] == "cc-by-4.0"


def test_what_counts_as_public_domain():
    for words in (FREE, "CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/", "Public Domain Mark 1.0"):
        assert public_domain(words), words
    for words in ("CC-BY-4.0", "not in the public domain", "Copernicus licence", "not stated", ""):
        assert not public_domain(words), words
