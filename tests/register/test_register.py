"""What `register` ties together, and what it refuses, with a real sqlite run store and hand-made stages upstream."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import tasks.runs.execute
from flows.promote import promote
from tasks.core.dag import stage_entry
from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.hashing import dvc_md5
from tasks.core.settings import Compute, Settings, Strict
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tasks.register.alias import decide
from tasks.register.description import LIMIT, describe
from tasks.register.evaluation import read_evaluation
from tasks.register.params import Alias, Params
from tasks.register.registry import Known
from tasks.register.run import run
from tasks.register.run_files import check_against_lock, read_runs
from tasks.runs.execute import run_stage
from tasks.runs.store import connect

CHECKOUT = Path(__file__).resolve().parents[2]
UPSTREAM = ["acquire", "project", "select", "label", "caption", "shard", "train", "evaluate", "generate"]


class Anything(Strict):
    method: dict[str, str]
    size: str = "one"


def run_one(root: Path, room: str, model: type[Strict], function, section: dict) -> None:
    settings = Settings(seed=1, compute=Compute(engine="serial", workers=1), datasets={"terrain": {room: section}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks.runs.execute, "load", lambda *_: settings)
        patch.delenv("DVC_STAGE", raising=False)
        run_stage(room, "terrain", model, function, root)


def account(score: float, held_out: str) -> dict:
    """What `evaluate` writes, with a model, a floor and a control."""
    metrics = [
        {"name": f"swd/{name}", "title": f"distance, {name}", "value": value, "low": None, "high": None, "floor": 0.25}
        | {"better": "lower", "measure": "swd", "set": name}
        for name, value in (("steps1", score), ("floor_train", 0.25), ("control_noise", 0.75))
    ]
    sets = [
        {"name": name, "title": title, "kind": kind}
        for name, title, kind in (
            ("steps1", "model, 1 step", "generated"),
            ("floor_train", "training tiles", "floor"),
            ("control_noise", "noise", "control"),
        )
    ]
    measures = [{"name": "swd", "title": "distance", "better": "lower"}]
    return {"headline": "swd/steps1", "held_out": held_out, "metrics": metrics, "measures": measures, "sets": sets}


def make_stage(
    root: Path, room: str, text: str = "bytes", score: float = 0.5, held_out: str = "here", sized: tuple[str, ...] = ()
) -> None:
    """Run a stage that writes every output dvc.yaml names for it, and lock it as DVC would.

    `text` is the content of its outputs, and a parameter of the stages in `sized`.
    """

    def write(stage) -> None:
        for out in stage_entry(room, "terrain", root).outs:
            path = root / out
            if path.suffix == "":
                path.mkdir(parents=True, exist_ok=True)
                (path / "part.txt").write_text(f"{room} {text}")
            elif "/runs/" not in out and "/metrics/" not in out:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{room} {text}")
        if room == "acquire":
            write_ledger(LEDGER, stage.dir / "raw")
        if room == "evaluate":
            write_json(stage.dir / "evaluation" / "metrics.json", account(score, held_out))
        if room == "generate":
            write_json(stage.dir / "samples" / "index.json", {"pictures": [{"name": "overview", "text": "samples"}]})
            stage.picture("overview", np.full((8, 8, 3), 90, np.uint8))

    run_one(root, room, Anything, write, {"method": {"name": "m"} | ({"size": text} if room in sized else {})})
    path = root / "dvc.lock"
    lock = yaml.safe_load(path.read_text()) if path.exists() else {"schema": "2.0", "stages": {}}
    outs = stage_entry(room, "terrain", root).outs
    lock["stages"][f"{room}@terrain"] = {
        "outs": [{"path": out, "hash": "md5", "md5": dvc_md5(root / out)} for out in outs]
    }
    path.write_text(yaml.safe_dump(lock))


URL = "https://example.org/a.tif"
LEDGER = [
    LedgerRow("a.tif", "height", "files", "CC-BY-4.0", "Survey of A", path="a.tif", sha256="0" * 64, bytes=10, url=URL),
    LedgerRow("b.tif", "height", "files", "CC-BY-4.0", "Survey of A", path="b.tif", sha256="1" * 64, bytes=5),
    LedgerRow("c.tif", "height", "files", "CC-BY-4.0", "Survey of A", refused="no CRS"),
    LedgerRow("p", "height", "sample", "CC0-1.0", "computed", path="p.tif", bytes=1, procedural=True),
]

FIGURES = {"headline": 0.5, "swd/steps1": 0.5, "swd/floor_train": 0.25, "swd/control_noise": 0.75}
SOURCE_FIELDS = ("source", "licence", "attribution", "procedural", "rasters", "bytes", "refused")


def grow(root: Path) -> Path:
    (root / "dvc.yaml").write_text((CHECKOUT / "dvc.yaml").read_text())
    # What dvc.yaml names folders by.
    chosen = {"acquire": {"source": {"kind": "sample"}}, "train": {"method": {"name": "consistency"}}}
    (root / "params.yaml").write_text(yaml.safe_dump({"seed": 1, "datasets": {"terrain": chosen}}))
    for room in UPSTREAM:
        make_stage(root, room)
    return root


def register(root: Path, **section) -> dict:
    run_one(root, "register", Params, run, {"model": "toy terrain", **section})
    return json.loads((root / "data/terrain/lineage.json").read_text())


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
    assert all(stage["locked"] and stage["params"] == {"method": {"name": "m"}} for stage in lineage["stages"])
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


def holder(client) -> str:
    return str(client.get_model_version_by_alias("toy terrain", "candidate").version)


def test_a_page_shows_its_own_figures_and_samples_also_after_another_evaluation_was_tried(tree, client):
    first = register(tree)["model"]["version"]
    before = client.get_model_version("toy terrain", first)
    assert "**distance, steps1: 0.5**; real tiles score 0.25. lower is better." in before.description
    for row in (
        "| generated | model, 1 step | 0.5 |",
        "| floor | training tiles | 0.25 |",
        "| control | noise | 0.75 |",
    ):
        assert row in before.description
    (address,) = re.findall(
        r"!\[overview\]\(get-artifact\?path=pictures%2Foverview.png&run_uuid=(\w+)\)", before.description
    )
    assert address == before.tags["run.register"]
    assert [item.path for item in client.list_artifacts(address, "pictures")] == ["pictures/overview.png"]
    make_stage(tree, "evaluate", score=0.9)
    make_stage(tree, "generate", "other samples")
    second = register(tree)["model"]["version"]
    assert second != first and "steps1: 0.9**" in client.get_model_version("toy terrain", second).description
    make_stage(tree, "evaluate")  # as DVC restores them
    make_stage(tree, "generate")
    after = client.get_model_version("toy terrain", first)
    assert (after.description, after.tags) == (before.description, before.tags)
    train = json.loads((tree / "data/terrain/runs/train.json").read_text())["run_id"]
    assert client.get_run(train).data.tags["registered"].endswith(f"toy terrain/{first}, toy terrain/{second}")


def test_the_alias_follows_better_models_and_neither_throwaways_nor_other_data(tmp_path_factory, monkeypatch, capfd):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = grow(tmp_path_factory.mktemp("alias"))
    client = connect(root)[0]

    def trained(text: str, score: float, held_out: str = "here", **section) -> str:
        make_stage(root, "train", text)
        make_stage(root, "evaluate", text, score, held_out)
        version = register(root, **section)["model"]["version"]
        assert f"toy terrain: version {version}; candidate" in capfd.readouterr().out
        return version

    first = trained("as committed", 0.5)
    assert holder(client) == first
    trained("40 steps", 0.8)
    assert holder(client) == first
    trained("another region", 0.1, "there")
    assert holder(client) == first
    better = trained("longer", 0.4)
    assert holder(client) == better
    make_stage(root, "select", "smaller quota", sized=("select",))
    trained("other parameters of data", 0.3)
    assert holder(client) == better
    make_stage(root, "select")
    by_hand = trained("by hand", 0.2, alias={"rule": "hand"})
    assert holder(client) == better
    assert promote(f"models:/toy terrain/{by_hand}", "candidate", root) == (
        f"candidate is now models:/toy terrain/{by_hand} (swd/steps1 0.2); before, it was models:/toy terrain/{better} "
        "(swd/steps1 0.4)"
    )
    assert holder(client) == by_hand
    with pytest.raises(LandloomError, match="--alias v3: "):
        promote(f"models:/toy terrain/{by_hand}", "v3", root)


def test_the_reason_why_an_alias_stays_is_told():
    mine = {
        "held_out": "a",
        "dataset": "terrain",
        "headline": "fid",
        "headline.better": "higher",
        "headline.value": "2",
    }
    mine |= {f"params.{name}": "x" for name in (*UPSTREAM[:6], "evaluate")}
    assert decide(Alias(), mine, None) == (True, "no version had it")
    assert decide(Alias(), mine, mine | {"headline.value": "1"})[0] and not decide(Alias(), mine, mine)[0]
    assert decide(Alias(), mine, {"dvc.md5": "0"}) == (False, "what its version was measured on is not recorded")
    assert decide(Alias(), mine, mine | {"held_out": "b"}) == (
        False,
        "its version was measured on other held-out tiles",
    )
    said = "its version was made or measured in another way: select, evaluate differ"
    assert decide(Alias(), mine, mine | {"params.select": "y", "params.evaluate": "y"}) == (False, said)
    assert decide(Alias(rule="hand"), mine, None) == (False, "it moves by hand only")
    with pytest.raises(ValueError, match="MLflow keeps this name for itself"):
        Alias(name="latest")


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
