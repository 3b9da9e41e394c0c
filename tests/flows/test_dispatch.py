"""Real training on other machines: a Prefect server, workers in their own clones, and a DVC remote."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
import yaml

from flows.elsewhere.dvc import changed
from flows.elsewhere.job import prepared
from flows.worker import scrub
from tasks.core.dag import stage_entry
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.run import Run
from tasks.core.settings import ROOT, load
from tasks.core.stage import Stage
from tasks.train.params import Params
from tests.pipeline.conftest import Clone
from tests.train.stand import dataset

STEPS = 240  # so many that training still runs when a busy machine delays the kill
SHARD = {  # the real stage needs minutes of work before it; only training is sent to another machine
    "foreach": "${datasets}",
    "do": {
        "cmd": "mkdir -p data/${key} && cp -r ../shards data/${key}/shards",
        "params": ["seed"],
        "outs": ["data/${key}/shards"],
    },
}
KEY = "planted-key-8c1f0e"
SECRETS = {"AWS_SECRET_ACCESS_KEY": KEY, "PLANTED_TOKEN": KEY}


class Site:
    """A driver, its git origin and DVC remote, a Prefect server; machines that serve the pool come and go."""

    def __init__(self, folder: Path):
        self.folder, self.machines = folder, []
        made = dataset(folder / "made")
        (made / "data" / "small" / "shards").rename(folder / "shards")
        self.driver = Clone(folder / "driver")
        root = self.driver.root
        stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
        (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"shard": SHARD, "train": stages["train"]}}))
        train = {"steps": STEPS, "batch": 4, "checkpoint_every": 2, "picture_every": 20, "log_every": 10}
        self.driver.change({"datasets.terrain.train": train})
        self.env = {**self.driver.env, **SECRETS, "PREFECT_HOME": str(folder / "prefect"), "OMP_NUM_THREADS": "1"}
        self.env |= {"PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.3", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        self.env |= {"PREFECT_WORKER_QUERY_SECONDS": "1", "DO_NOT_TRACK": "1"}
        self.call("dvc", "remote", "add", "-d", "store", str(folder / "store"))
        self.call("dvc", "repro", "--quiet", "shard@terrain")
        self.commit("toy")
        self.call("git", "clone", "--quiet", "--bare", ".", str(folder / "origin"))
        self.call("git", "remote", "add", "origin", str(folder / "origin"))

    def call(self, *command: str, folder: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=folder or self.driver.root, env=self.env, capture_output=True, text=True, timeout=300
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def commit(self, message: str) -> None:
        self.call("git", "add", "-A")
        self.call("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", message)

    def push(self) -> None:
        self.call("git", "push", "-q", "origin", "HEAD:main")

    def server(self) -> None:
        """A real Prefect server on loopback."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.env["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
        self.start("server", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        deadline = time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(f"{self.env['PREFECT_API_URL']}/health", timeout=5)
                return
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "server.log").read_text()[-3000:]
                time.sleep(0.3)

    def machine(self, name: str) -> subprocess.Popen[bytes]:
        """A machine of its own (clone, work folder, cache) that serves the pool `gpu`; the state folder is shared."""
        home = self.folder / name
        self.call("git", "clone", "-q", str(self.folder / "origin"), str(home / "landloom"))
        env = {"LANDLOOM_WORK": str(home / "work"), "LANDLOOM_STATE": str(self.folder / "state")}
        env |= {"LANDLOOM_PYTHON": sys.executable, "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}"}
        return self.start(name, sys.executable, "-m", "flows.remote", "gpu", folder=home / "landloom", env=env)

    def start(self, name: str, *command: str, folder: Path | None = None, env: dict[str, str] | None = None):
        with (self.folder / f"{name}.log").open("w") as log:
            process = subprocess.Popen(
                command, cwd=folder or self.folder, env={**self.env, **(env or {})}, stdout=log, stderr=log
            )
        self.machines.append(process)
        return process

    def dispatch(self, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "flows.dispatch", "train@terrain", "--wait-s", "1", *arguments)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def checkpoint(self, least: int, driver: subprocess.Popen[bytes]) -> None:
        """Wait until training has saved a checkpoint of at least that step."""
        deadline = time.monotonic() + 240

        def newest() -> int:
            # os.walk, because folders appear and disappear meanwhile.
            folders = [name for _, names, _ in os.walk(self.folder / "state") for name in names]
            return max((int(name[5:]) for name in folders if re.fullmatch(r"step-\d+", name)), default=0)

        while newest() < least:
            assert driver.poll() is None, self.log("driver")
            assert time.monotonic() < deadline, self.log("driver")
            time.sleep(0.02)

    def hears(self, words: str, driver: subprocess.Popen[bytes]) -> None:
        """Wait until the driver's log has these words."""
        deadline = time.monotonic() + 240
        while words not in self.log("driver"):
            assert driver.poll() is None and time.monotonic() < deadline, self.log("driver")
            time.sleep(0.05)

    def close(self) -> None:
        for process in self.machines:
            if process.poll() is None:
                kill(psutil.Process(process.pid))
            process.wait()


def kill(process: psutil.Process) -> None:
    """SIGKILL a process and everything it started, like the loss of a machine."""
    for each in (process, *process.children(recursive=True)):
        each.suspend()
    for each in (process, *process.children(recursive=True)):
        each.send_signal(signal.SIGKILL)


def training(machine: subprocess.Popen[bytes]) -> psutil.Process:
    """The training process below a machine's worker."""
    below = psutil.Process(machine.pid).children(recursive=True)
    return next(each for each in below if each.cmdline()[1:4] == ["-m", "tasks.train", "terrain"])


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
    outs = ("model", "pictures/train", "metrics/train.json")
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


def test_a_stage_that_refuses_is_not_tried_again(site):
    site.call("git", "checkout", "-q", "--", "dvc.lock")
    site.driver.change({"datasets.terrain.train.method.network": {"multipliers": [1, 2, 2, 2, 2, 2, 2]}})
    site.commit("a network too deep for its tiles")
    site.push()
    worker = f"LANDLOOM_PYTHON={sys.executable} LANDLOOM_WORK={site.folder / 'third'} {sys.executable} flows/worker.py"
    done = site.call(*site.dispatch("--command", worker), check=False)
    assert done.returncode == 1
    assert "params.yaml: datasets.terrain.train.method does not fit tiles" in done.stderr.splitlines()[-1]
    assert (done.stdout + done.stderr).count("cloning ") == 1
