"""From a run back to its sources by hash: as a tree, as PROV, as a picture; and with a missing run."""

from __future__ import annotations

import json
import socket

import pytest
from prov.model import ProvDocument

from flows.history.origins import gather, terms
from flows.history.runs import Runs
from flows.history.tree import tree
from flows.lineage import write
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tests.flows.made import URL, grow, make


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        root = tmp_path_factory.mktemp("made") / "repo"
        yield root, grow(root)


def test_the_tree_leads_to_every_licence_and_shows_each_run_once(made):
    root, ids = made
    text = tree(gather(ids["train"], root))
    for stage, path in (("acquire", "raw"), ("label", "labels"), ("train", "model")):
        assert text.count(f"run {ids[stage]}") == 1
        assert f"data/terrain/{path}  {dvc_md5(root / 'data/terrain' / path)}" in text
    # train needs raw too, but the tree has it below label already
    assert text.index("train@terrain") < text.index("label@terrain") < text.index("acquire@terrain")
    assert text.count("acquire@terrain") == 1
    assert "6 rasters from stac (60 B, 1 refused)" in text and "licence: CC-BY-4.0" in text
    assert URL.format(0) in text and "… and 3 more" in text
    assert "1 raster from sample (computed, not measured)" in text


def test_prov_has_every_source_and_survives_reading_back(made, tmp_path):
    root, ids = made
    paths = write(gather(ids["train"], root), tmp_path, root)
    assert [path.name for path in paths] == ["lineage.png", "lineage.prov.json", "lineage.txt"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    doc = ProvDocument.deserialize(content=paths[1].read_text(), format="json")
    facts = json.loads(paths[1].read_text())
    assert set(facts["activity"]) == {f"run:{run_id}" for run_id in ids.values()}
    sources = {name: entity for name, entity in facts["entity"].items() if name.startswith("source:")}
    assert len(sources) == 8
    assert sources["source:3.tif/not-taken"]["prov:location"] == URL.format(3)
    assert {entity["dcterms:license"] for entity in sources.values()} == {"CC-BY-4.0", "CC0-1.0"}
    refused = [name for name, entity in sources.items() if "landloom:refused" in entity]
    derived = {relation["prov:usedEntity"] for relation in facts["wasDerivedFrom"].values()}
    assert refused == ["source:x.tif/not-taken"] and derived >= sources.keys() - set(refused)
    model = f"out:data/terrain/model/{dvc_md5(root / 'data/terrain/model')}"
    made_by = {r["prov:entity"]: r["prov:activity"] for r in facts["wasGeneratedBy"].values()}
    assert made_by[model] == f"run:{ids['train']}"
    assert len(list(doc.get_records())) == sum(len(group) for name, group in facts.items() if name != "prefix")


def test_without_the_ledgers_bytes_the_tree_says_so(made):
    root, ids = made
    digest = dvc_md5(root / "data/terrain/raw")
    kept = root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    good = kept.read_bytes()
    try:
        kept.write_bytes(b"[]")
        assert "the ledger is in neither DVC's cache nor a remote" in tree(gather(ids["acquire"], root))
    finally:
        kept.write_bytes(good)


def test_of_runs_that_wrote_the_same_bytes_the_last_one_before_counts(made):
    root, ids = made
    again = make(root, "label")
    runs = Runs(root)
    assert [run.run_id for run in runs.upstream(runs.get(ids["train"]))] == [ids["acquire"], ids["label"], ids["train"]]
    after = make(root, "train", "more bytes")
    assert [run.run_id for run in runs.upstream(runs.get(after))] == [ids["acquire"], again, after]


def test_a_run_that_mlflow_never_saw_is_known_from_its_run_file(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    root = tmp_path / "repo"
    grow(root, ("acquire",))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{probe.getsockname()[1]}")
        assert make(root, "label") is None
    with pytest.raises(LandloomError, match=r"MLflow \(http://127.0.0.1:\d+\) is away"):
        Runs(root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    train = make(root, "train")
    text = tree(gather(train, root))
    assert "label@terrain  run not in MLflow" in text and "CC-BY-4.0" in text
    (root / "data/terrain/runs/label.json").unlink()
    with pytest.raises(LandloomError, match=r"no recorded run wrote data/terrain/labels .* label@terrain ran .*unsent"):
        gather(train, root)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("0" * 32, "not found"),
        ("null", "flows.unsent"),
        ("models:/x", "say which version"),
        ("models:/x/1", "models:/x/1"),
    ],
)
def test_what_is_no_run_is_told_in_one_line(made, name, said):
    with pytest.raises(LandloomError, match=said):
        gather(name, made[0])


def test_terms_are_grouped_and_counted(made):
    root, ids = made
    (ledger,) = gather(ids["acquire"], root).ledgers.values()
    groups = terms(ledger)
    assert [(group.licence, group.taken, group.refused) for group in groups] == [("CC-BY-4.0", 6, 1), ("CC0-1.0", 1, 0)]
