"""What `register` ties together, and what it refuses, with a real sqlite run store and hand-made stages upstream."""

from __future__ import annotations

import json
import socket
import time

import pandas as pd
import pytest
import yaml

from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.hashing import dvc_md5
from tasks.formats.tables.ledger import LedgerRow
from tasks.register.description import LIMIT, describe
from tasks.register.evaluation import read_evaluation
from tasks.register.registry import Known
from tasks.register.run_files import check_against_lock, read_runs
from tasks.runs.store import connect
from tests.register.hand_made import FIGURES, SOURCE_FIELDS, UPSTREAM, account, grow, make_stage, register


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        root = grow(tmp_path_factory.mktemp("tree"))
        register(root)
        yield root


@pytest.fixture(scope="module")
def lineage(tree) -> dict:
    return json.loads((tree / "data/terrain/lineage.json").read_text())


@pytest.fixture(scope="module")
def client(tree):
    return connect(tree)[0]


def test_the_version_points_at_the_bytes_and_names_data_and_runs(tree, lineage, client):
    assert (lineage["model"]["name"], lineage["model"]["version"]) == ("toy terrain", "1")
    version = client.get_model_version_by_alias("toy terrain", "candidate")
    digest = dvc_md5(tree / "data/terrain/model")
    assert version.source == f"dvc://data/terrain/model?md5={digest}"
    train = json.loads((tree / "data/terrain/runs/train.json").read_text())
    assert version.run_id == train["run_id"]
    assert version.tags["dvc.md5"] == digest
    for name in ("shards", "tiles.parquet", "scenes.parquet", "scenes", "raw"):
        assert version.tags[f"dvc.data/terrain/{name}"] == dvc_md5(tree / "data/terrain" / name)
    assert version.tags["run.shard"] == json.loads((tree / "data/terrain/runs/shard.json").read_text())["run_id"]


def test_the_version_leads_from_itself_to_every_run_and_licence(tree, lineage, client):
    version = client.get_model_version("toy terrain", "1")
    for stage in lineage["stages"]:
        assert f"/runs/{stage['run_id']})" in version.description
    shards = dvc_md5(tree / "data/terrain/shards")
    assert f"| data/terrain/shards | {shards} |" in version.description
    assert "| 2 from files | CC-BY-4.0 | Survey of A | https://example.org/a.tif, b.tif |" in version.description
    assert "| 1 from sample, computed, not measured | CC0-1.0 | computed | p |" in version.description
    run_id = version.tags["run.register"]
    (table,) = [file for file in client.list_artifacts(run_id, "lineage") if file.path.endswith("sources.csv")]
    rows = pd.read_csv(client.download_artifacts(run_id, table.path))
    assert list(rows["key"]) == ["a.tif", "b.tif", "c.tif", "p"] and rows["refused"][2] == "no CRS"
    assert rows["url"][0] == "https://example.org/a.tif" and rows["licence"][0] == "CC-BY-4.0"


def test_a_description_of_very_many_terms_fits_the_column(tmp_path):
    rows = [LedgerRow(f"{n:04}", "height", "stac", f"licence {n}", "who", path="a", bytes=1) for n in range(200)]
    ledger = pd.DataFrame([vars(row) for row in rows])
    sources = [
        {"source": "stac", "licence": f"licence {n}", "attribution": "who", "procedural": False, "rasters": 1}
        for n in range(200)
    ]
    results = tmp_path / "metrics.json"
    write_json(results, account(0.5, "here"))
    text = describe("m", "1", [], read_evaluation(results), [], sources, ledger, Known("f" * 32, {}))
    assert len(text) <= LIMIT and "more sets of terms" in text and text.endswith("flows.reproduce models:/m/1")


def test_figures_name_the_model_and_the_shards_they_were_held_to(tree, lineage, client):
    metrics = {metric.key: metric for metric in client.get_logged_model(lineage["model"]["model_id"]).metrics}
    assert {key: metric.value for key, metric in metrics.items()} == FIGURES
    assert metrics["swd/control_noise"].dataset_digest == dvc_md5(tree / "data/terrain/shards")
    train, evaluate = (
        client.get_run(stage["run_id"]) for stage in lineage["stages"] if stage["stage"][:5] in ("train", "evalu")
    )
    assert [output.model_id for output in train.outputs.model_outputs] == [lineage["model"]["model_id"]]
    assert [entry.model_id for entry in evaluate.inputs.model_inputs] == [lineage["model"]["model_id"]]


def test_every_run_is_stamped_with_the_locked_hashes(tree, lineage, client):
    for stage in lineage["stages"]:
        tags = client.get_run(stage["run_id"]).data.tags
        assert (tags["dvc.locked"], tags["registered"]) == ("true", "toy terrain/1")
        assert {path: tags[f"dvc.out.{path}"] for path in stage["outs"]} == stage["outs"]


def test_the_lineage_goes_from_sources_to_samples(lineage):
    assert [stage["stage"].split("@")[0] for stage in lineage["stages"]] == UPSTREAM
    shard, train = lineage["stages"][5], lineage["stages"][6]
    assert train["inputs"]["data/terrain/shards"] == shard["outs"]["data/terrain/shards"]
    assert all(stage["locked"] and stage["params"]["method"] == {"name": "m"} for stage in lineage["stages"])
    rows = [tuple(row[name] for name in SOURCE_FIELDS) for row in lineage["sources"]]
    assert rows == [
        ("files", "CC-BY-4.0", "Survey of A", False, 2, 15, 1),
        ("sample", "CC0-1.0", "computed", True, 1, 1, 0),
    ]
    assert lineage["metrics"] == FIGURES


def test_registering_again_finds_the_same_version_and_other_bytes_make_another(tree, client):
    assert register(tree)["model"]["version"] == "1"
    make_stage(tree, "evaluate")  # the same bytes, by a new run
    assert register(tree)["model"]["version"] == "1"
    fresh = json.loads((tree / "data/terrain/runs/evaluate.json").read_text())["run_id"]
    assert client.get_model_version("toy terrain", "1").tags["run.evaluate"] == fresh
    make_stage(tree, "train", "trained longer")
    assert register(tree)["model"]["version"] == "2"


def test_a_run_that_does_not_fit_the_lock_is_refused_by_stage_and_path(tree, tmp_path):
    (tmp_path / "dvc.yaml").write_text((tree / "dvc.yaml").read_text())
    runs = tmp_path / "data/terrain/runs"
    runs.mkdir(parents=True)
    for path in (tree / "data/terrain/runs").iterdir():
        (runs / path.name).write_bytes(path.read_bytes())
    records = read_runs("terrain", tmp_path)
    assert check_against_lock(records, tmp_path) == set()  # no lock: stages run by hand, nothing to compare
    lock = yaml.safe_load((tree / "dvc.lock").read_text())
    for out in lock["stages"]["select@terrain"]["outs"]:
        if out["path"].endswith("tiles.parquet"):
            out["md5"] = "f" * 32
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
    with pytest.raises(LandloomError, match=r"select@terrain: its run \w+ wrote data/terrain/tiles.parquet with hash"):
        check_against_lock(records, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"), [(None, "missing"), ("{", "not valid JSON"), ("{}", "no run file, it lacks")]
)
def test_a_run_file_that_is_none_is_told_by_name(tree, tmp_path, text, said):
    (tmp_path / "dvc.yaml").write_text((tree / "dvc.yaml").read_text())
    (tmp_path / "data/terrain/runs").mkdir(parents=True)
    if text is not None:
        (tmp_path / "data/terrain/runs/acquire.json").write_text(text)
    with pytest.raises(LandloomError, match=f"data/terrain/runs/acquire.json: {said}"):
        read_runs("terrain", tmp_path)


def test_runs_that_only_another_store_knows_are_left_unstamped(tree, tmp_path, monkeypatch):
    """Bytes pulled from a colleague bring ids that this database never saw."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    assert register(tree)["model"]["version"] == "1"


def test_mlflow_away_costs_seconds_and_the_lineage_is_written_with_nulls(tree, monkeypatch, capfd):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    started = time.monotonic()
    lineage = register(tree)
    assert time.monotonic() - started < 20
    assert lineage["model"] == {"name": "toy terrain", "version": None, "model_id": None}
    assert len(lineage["stages"]) == len(UPSTREAM) and lineage["sources"]
    assert capfd.readouterr().err.count("warning: MLflow") == 1
