"""Sealing: one commit of `dvc.lock` alone, and its stamp on the runs whose outputs it holds."""

from __future__ import annotations

import pytest
import yaml

from flows.history.runs import Runs
from flows.seal import TAG, seal
from tasks.core.errors import LandloomError
from tests.flows.made import git, grow, make


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "repo"
    return root, grow(root, ("acquire", "label"))


def stamps(root, ids):
    client = Runs(root).client
    return {stage: client.get_run(run_id).data.tags.get(TAG) for stage, run_id in ids.items()}


def test_the_lock_is_committed_alone_and_the_runs_say_where(made):
    root, ids = made
    (root / "notes.txt").write_text("no code, and no part of it")
    commit = seal(root)
    assert git(root, "rev-parse", "HEAD") == commit
    assert git(root, "show", "--name-only", "--format=%s", commit).split() == ["Seal", "dvc.lock", "dvc.lock"]
    assert f"acquire@terrain {ids['acquire']}" in git(root, "log", "-1", "--format=%b")
    assert git(root, "status", "--porcelain") == "?? notes.txt"
    assert stamps(root, ids) == {"acquire": commit, "label": commit}
    assert Runs(root).get(ids["label"]).sealed == commit
    # the second time there is nothing to commit, and the runs keep their stamp
    assert seal(root) == commit
    other = make(root, "train")
    sealed = seal(root)
    assert sealed != commit and stamps(root, {**ids, "train": other}) == {**dict.fromkeys(ids, commit), "train": sealed}


def test_code_that_differs_from_the_commit_is_refused_by_name(made):
    root, ids = made
    (root / "tasks/label.py").write_text("# changed\n")
    with pytest.raises(LandloomError, match=r"^tasks/label\.py: changed since the last commit"):
        seal(root)
    assert stamps(root, ids) == {"acquire": None, "label": None}
    git(root, "commit", "-qam", "another label")  # now the commit is clean, but it is not the code that ran
    commit = seal(root)
    assert stamps(root, ids) == {"acquire": commit, "label": None}


def test_a_run_whose_outputs_the_lock_does_not_hold_is_not_stamped(made):
    root, ids = made
    lock = yaml.safe_load((root / "dvc.lock").read_text())
    lock["stages"]["label@terrain"]["outs"][0]["md5"] = "f" * 32
    (root / "dvc.lock").write_text(yaml.safe_dump(lock))
    commit = seal(root)
    assert stamps(root, ids) == {"acquire": commit, "label": None}


def test_mlflow_away_is_a_warning_and_sealing_again_stamps(made, monkeypatch, capfd):
    root, ids = made
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    commit = seal(root)
    assert "no run says" in capfd.readouterr().err
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert seal(root) == commit and stamps(root, ids) == {"acquire": commit, "label": commit}


def test_without_a_lock_there_is_nothing_to_seal(made):
    root, _ = made
    (root / "dvc.lock").unlink()
    with pytest.raises(LandloomError, match="dvc.lock: there is none"):
        seal(root)
