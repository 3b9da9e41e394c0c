"""A model version: its page, its alias, and the run behind it that arrives late."""

from __future__ import annotations

import json
import re

import pytest

from flows.history.runs import Runs
from flows.promote import promote
from tasks.core.errors import LandloomError
from tasks.register.alias import decide
from tasks.register.params import Alias
from tasks.runs.journal import journals
from tasks.runs.sending import send
from tasks.runs.store import connect
from tests.register.hand_made import UPSTREAM, grow, make_stage, register


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return grow(tmp_path)


@pytest.fixture
def client(tree):
    return connect(tree)[0]


def test_a_run_that_mlflow_missed_is_behind_its_version_once_it_was_sent(tree, client, monkeypatch):
    """MLflow is away while the model is trained. The run file keeps `run_id: null`, in DVC's cache too."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    make_stage(tree, "train", "trained while MLflow was away")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    make_stage(tree, "evaluate", "of it")
    first = register(tree)["model"]["version"]
    assert client.get_model_version("toy terrain", first).tags["run.train"] == "none"
    with pytest.raises(LandloomError, match="toy terrain/1: no run here wrote data/terrain/model .* flows.unsent"):
        Runs(tree).find(f"models:/toy terrain/{first}")

    (journal,) = journals(tree)
    sent = send(journal, tree)
    version = client.get_model_version("toy terrain", first)
    assert (
        version.tags["run.train"] == sent and f"| train@terrain | [{sent[:8]}](#/runs/{sent}) |" in version.description
    )
    client.set_model_version_tag("toy terrain", first, "run.train", "none")  # as of a version of another checkout
    run, _ = Runs(tree).find(f"models:/toy terrain/{first}")
    assert run.run_id == sent and {each.stage for each in Runs(tree).upstream(run)} >= {
        "acquire@terrain",
        "shard@terrain",
    }

    make_stage(tree, "generate", "other samples")  # the run file with null is still there, as the run cache restores it
    assert json.loads((tree / "data/terrain/runs/train.json").read_text())["run_id"] is None
    lineage = register(tree)
    assert next(stage for stage in lineage["stages"] if stage["stage"] == "train@terrain")["run_id"] == sent
    second = client.get_model_version("toy terrain", lineage["model"]["version"])
    assert second.version != first and second.run_id == sent and second.tags["run.train"] == sent
    assert client.get_run(sent).data.tags["registered"] == f"toy terrain/{second.version}"


def holder(client) -> str:
    return str(client.get_model_version_by_alias("toy terrain", "candidate").version)


def test_a_page_shows_its_own_figures_and_samples_also_after_another_evaluation_was_tried(tree, client):
    first = register(tree)["model"]["version"]
    before = client.get_model_version("toy terrain", first)
    assert "**distance, steps1: 0.5**; real tiles score 0.25. Lower is better." in before.description
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


def test_the_alias_follows_better_models_and_neither_throwaways_nor_other_data(tree, client, capfd):

    def trained(text: str, score: float, held_out: str = "here", **section) -> str:
        make_stage(tree, "train", text)
        make_stage(tree, "evaluate", text, score, held_out)
        version = register(tree, **section)["model"]["version"]
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
    make_stage(tree, "select", "smaller quota", sized=("select",))
    trained("other parameters of data", 0.3)
    assert holder(client) == better
    make_stage(tree, "select")
    by_hand = trained("by hand", 0.2, alias={"rule": "hand"})
    assert holder(client) == better
    assert promote(f"models:/toy terrain/{by_hand}", "candidate", tree) == (
        f"candidate is now models:/toy terrain/{by_hand} (swd/steps1 0.2); before, it was models:/toy terrain/{better} "
        "(swd/steps1 0.4)"
    )
    assert holder(client) == by_hand
    with pytest.raises(LandloomError, match="--alias v3: "):
        promote(f"models:/toy terrain/{by_hand}", "v3", tree)


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
