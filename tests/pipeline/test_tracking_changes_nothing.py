"""The bytes of a stage are the same whether its run is recorded or not, whatever it is called and whoever runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tasks.core.dag import stage_entry, stage_names
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT
from tests.pipeline.conftest import IN_ONE_PROCESS, commit
from tests.servers import free_port

STAGES = [name for name in stage_names(ROOT) if name not in ("acquire", "register", "report")]
"""Stages that read nothing but what lies in the clone, and whose outputs hold no run's id."""


@pytest.mark.parametrize("case", ["away", "elsewhere"])
def test_bookkeeping_changes_no_byte(done, tmp_path, case):
    root = tmp_path / "repo"
    shutil.copytree(done.root, root, ignore=shutil.ignore_patterns(".landloom", "mlartifacts", "mlflow.db", "cache"))
    before = digests(root)
    for path in before:  # every stage must write its outputs anew
        shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()
    env = {**done.env, "LANDLOOM_HOST_DIR": str(tmp_path / "host"), "LANDLOOM_HOST_STAGES": "1"}
    if case == "away":
        env["MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{free_port()}"
    else:  # another commit, from whose parameters these differ, so that runs have other titles
        params = (root / "params.yaml").read_text()
        (root / "params.yaml").write_text(params.replace("quota: 160", "quota: 161"))
        commit(root)
        (root / "params.yaml").write_text(params)
        env |= {"LANDLOOM_SWEEP": "another", "HOSTNAME": "another", "USER": "another", "TZ": "Asia/Tokyo"}
    command = [sys.executable, "-c", IN_ONE_PROCESS, "terrain", *STAGES]
    ran = subprocess.run(command, cwd=root, env={**env, "PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert digests(root) == before
    record = json.loads((root / "data/terrain/runs/train.json").read_text())
    first = json.loads((done.root / "data/terrain/runs/train.json").read_text())
    assert (record["run_id"] is None) == (case == "away") and record["run_id"] != first["run_id"]
    if case == "elsewhere":
        assert "select.quota=160" in title_of(root, record["run_id"])


def digests(root):
    """DVC's hash of every output of `STAGES` but the run files."""
    outs = (out for name in STAGES for out in stage_entry(name, "terrain", root).outs)
    return {out: dvc_md5(root / out) for out in outs if "/runs/" not in out}


def title_of(root, run_id):
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{root}/mlflow.db").get_run(run_id).info.run_name
