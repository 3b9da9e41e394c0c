"""Real training on other machines: a Prefect server, workers in their own clones, and a DVC remote."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import urllib.request

import psutil
import pytest
import yaml

from flows.elsewhere.dvc import changed
from flows.elsewhere.job import prepared
from flows.history.runs import Runs
from flows.worker import scrub
from tasks.core.dag import stage_entry
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.run import Run
from tasks.core.settings import ROOT, load
from tasks.core.stage import Stage
from tasks.train.params import Params
from tests.flows.site import KEY, Site, kill, training


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    here = Site(tmp_path_factory.mktemp("site"))
    yield here
    here.close()


def test_passwords_stay_out_of_the_job(monkeypatch):
    from flows.elsewhere.job import described

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    job = described("train@terrain", "0" * 40, "git@example.org:a/b.git", "s3://bucket/dvc")
    assert job["tracking_uri"] == "http://mlflow.example:5000" and job["remote"] == "s3://bucket/dvc"
    for uri in (f"http://me:{KEY}@mlflow.example:5000", "sqlite:////home/me/mlflow.db"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        assert "tracking_uri" not in described("train@terrain", "0" * 40, "/srv/landloom.git", None)
    for address in (f"https://{KEY}@example.org/a/b.git", f"ssh://me:{KEY}@example.org/a/b.git"):
        with pytest.raises(LandloomError, match="--repository: leave the password out") as told:
            described("train@terrain", "0" * 40, address, None)
        assert KEY not in str(told.value)


def test_what_a_worker_prints_has_no_keys(monkeypatch):
    monkeypatch.setenv("PLANTED_TOKEN", KEY)
    told = scrub(f"fatal: unable to access 'https://me:{KEY}@example.org/a.git', header {KEY}")
    assert told == "fatal: unable to access 'https://example.org/a.git', header <PLANTED_TOKEN>"


def test_what_would_fail_there_is_said_here(site):
    root, params = site.driver.root, site.driver.root / "params.yaml"

    def refused(words: str, stage: str = "train@terrain") -> None:
        with pytest.raises(LandloomError, match=words):
            prepared(stage, None, None, root)

    refused("there is no stage 'trian@terrain'; there are shard@terrain", "trian@terrain")
    config = (root / ".dvc" / "config").read_text()
    (root / ".dvc" / "config").write_text("")
    (root / ".dvc" / "config.local").write_text(config)
    site.commit("a remote that only this machine knows")
    site.push()
    refused(".dvc/config has no default remote")
    (root / ".dvc" / "config").write_text(config)
    (root / ".dvc" / "config.local").unlink()
    site.commit("a remote for all")
    site.push()
    committed = params.read_text()
    params.write_text(committed + "\n# a note\n")
    refused(r"not committed does not reach another machine: +M params.yaml; commit it")
    site.driver.change({"seed": 4})
    site.commit("another seed")
    refused("is not in .*origin yet: `git push` it")
    site.push()
    refused("shard@terrain must run first: `dvc repro shard@terrain`")
    params.write_text(committed)
    site.commit("back")
    site.push()


def test_what_another_process_writes_is_waited_for(site, monkeypatch):
    root = site.driver.root
    lock = root / ".dvc" / "tmp" / "rwlock"
    writer = {str(root / "data" / "terrain" / "shards"): {"pid": os.getppid(), "cmd": "dvc repro"}}
    lock.write_text(json.dumps({"write": writer}))
    waits = []

    def until_it_ends(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            lock.write_text("{}")

    monkeypatch.setattr("flows.stages.repro.time.sleep", until_it_ends)
    assert changed(root, {"shard@terrain"}) == [] and len(waits) == 2


def unbroken(site: Site) -> dict[str, str]:
    """Hashes of the outputs of the same training without a break, in this process."""
    from tasks.train.run import run

    root = site.folder / "unbroken"
    site.call("git", "clone", "-q", str(site.folder / "origin"), str(root))
    shutil.copytree(site.folder / "shards", root / "data" / "terrain" / "shards")
    settings = load(root)
    params = Params(**settings.datasets["terrain"]["train"])
    stage = Stage(stage_entry("train", "terrain", root), params, settings.seed, settings.compute, Run(), root)
    run(stage)
    stage.finish()
    outs = ("model", "pictures/train", "plots/train", "metrics/train.json")
    return {f"data/terrain/{out}": dvc_md5(root / "data" / "terrain" / out) for out in outs}


def test_a_machine_that_dies_is_replaced_and_training_goes_on(site):
    site.server()
    site.call(sys.executable, "-m", "flows.remote", "gpu", "--register-only")  # first: the driver needs the pool
    first = site.machine("first")
    arguments = site.dispatch("--pool", "gpu", "--silence-s", "12")
    driver = site.start("driver", *arguments, folder=site.driver.root)
    site.checkpoint(4, driver)
    training(first).kill()  # only the training: its worker stays alive and takes the next attempt
    site.hears("going on from step", driver)
    kill(psutil.Process(driver.pid))  # the driver too; it is started again below
    kill(psutil.Process(first.pid))  # the whole machine: no process can report the loss
    site.machine("second")
    again = site.start("again", *arguments, folder=site.driver.root)
    assert again.wait(timeout=300) == 0, site.log("again")
    expected = unbroken(site)
    # 137 is what a shell that waits for its command reports for SIGKILL; it depends on the machine's shell.
    assert re.search(r"exited with (-9|137)\b", site.log("driver")) and "going on from step" in site.log("driver")
    said = site.log("again")
    assert "under way already" in said and "nothing was heard for 12 s" in said and "going on from step" in said, said
    assert said.splitlines()[-1] == "train@terrain: restored from cache"

    stage = yaml.safe_load((site.driver.root / "dvc.lock").read_text())["stages"]["train@terrain"]
    ours = {out["path"]: out["md5"] for out in stage["outs"] if "/runs/" not in out["path"]}
    assert ours == expected
    assert site.call("git", "status", "--porcelain").stdout.split() == ["M", "dvc.lock"]
    head = site.call("git", "rev-parse", "HEAD").stdout
    assert site.call("git", "rev-parse", "main", folder=site.folder / "origin").stdout == head
    for name in ("first", "second"):
        assert site.call("git", "status", "--porcelain", folder=site.folder / name / "landloom").stdout == ""
    assert not list((site.folder / "state").glob("checkpoints/terrain/*")), "checkpoints of a finished run stay"

    from mlflow.tracking import MlflowClient

    record = json.loads((site.driver.root / "data/terrain/runs/train.json").read_text())
    run = MlflowClient(f"sqlite:///{site.folder}/mlflow.db").get_run(record["run_id"])
    assert run.info.status == "FINISHED" and run.data.tags["dvc.out.data/terrain/model"] == ours["data/terrain/model"]
    assert run.data.tags["git.commit"] == head.strip() and run.data.tags["git.dirty"] == "false"

    # The machines record into a store of their own. The driver's store has the run too, found by the run file it wrote,
    # and the attempt that was killed is part of it.
    own = Runs(site.driver.root).of_checkout("train@terrain")
    assert own.run_id != record["run_id"] and own.outputs["data/terrain/model"] == ours["data/terrain/model"]
    tags = Runs(site.driver.root).client.get_run(own.run_id).data.tags
    assert int(tags["attempts"]) >= 2 and "loss" in own.metrics
    assert f"its run was brought here: MLflow has it as run {own.run_id}" in said


def test_no_key_reaches_the_server(site):
    found = []
    for kind in ("flow_runs", "logs", "task_runs", "deployments", "work_pools", "artifacts"):
        url = f"{site.env['PREFECT_API_URL']}/{kind}/filter"
        request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"})
        found.append(urllib.request.urlopen(request, timeout=30).read().decode())
    assert "train@terrain" in found[0] and "going on from step" in found[1]
    assert KEY not in "".join(found)
    assert KEY not in (site.driver.root / "dvc.lock").read_text() + site.log("driver") + site.log("again")


def test_a_kubernetes_pool_is_registered_as_its_file_says(site):
    site.call(sys.executable, "-m", "flows.remote", "cluster", "--type", "kubernetes", "--register-only")
    pool = json.load(urllib.request.urlopen(f"{site.env['PREFECT_API_URL']}/work_pools/cluster", timeout=30))
    assert pool["type"] == "kubernetes"
    template = json.loads((ROOT / "infra" / "kubernetes" / "pool.json").read_text())
    assert pool["base_job_template"]["job_configuration"] == template["job_configuration"]


def worker(site: Site, name: str) -> str:
    """A command that is the whole worker; it has no MLFLOW_TRACKING_URI."""
    return f"LANDLOOM_PYTHON={sys.executable} LANDLOOM_WORK={site.folder / name} {sys.executable} flows/worker.py"


def test_the_run_of_a_worker_without_any_store_comes_back_with_the_outputs(site):
    site.call("git", "checkout", "-q", "--", "dvc.lock")
    site.driver.change({"datasets.terrain.train.steps": 12})
    site.commit("a short training")
    site.push()
    done = site.call(*site.dispatch("--command", worker(site, "alone")))
    assert done.stdout.splitlines()[-1] == "train@terrain: restored from cache"
    assert json.loads((site.driver.root / "data/terrain/runs/train.json").read_text())["run_id"] is None
    run = Runs(site.driver.root).of_checkout("train@terrain")
    assert run.params["steps"] == "12" and "loss" in run.metrics
    assert not list((site.folder / "alone").rglob("mlflow.db")) and not list((site.folder / "alone").rglob("kept/*"))
    said = site.call(*site.dispatch("--command", "false")).stderr  # nothing has to run; the run is looked for
    assert f"train@terrain: MLflow has its run {run.run_id}" in said


def test_a_stage_that_refuses_is_not_tried_again(site):
    site.call("git", "checkout", "-q", "--", "dvc.lock")
    site.driver.change({"datasets.terrain.train.method.network": {"multipliers": [1, 2, 2, 2, 2, 2, 2]}})
    site.commit("a network too deep for its tiles")
    site.push()
    done = site.call(*site.dispatch("--command", worker(site, "third")), check=False)
    assert done.returncode == 1
    assert "params.yaml: datasets.terrain.train.method does not fit tiles" in done.stderr.splitlines()[-1]
    assert (done.stdout + done.stderr).count("cloning ") == 1
