"""Settings of worker pools: each starts the same script, has no keys, and is valid for its tool."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import launch_command_parser

from flows.worker import OPTIONS
from tasks.core.settings import ROOT

INFRA = ROOT / "infra"
JOB = yaml.safe_load((INFRA / "kubernetes" / "job.yaml").read_text())
POOL = json.loads((INFRA / "kubernetes" / "pool.json").read_text())
SKY = yaml.safe_load((INFRA / "skypilot" / "train.sky.yaml").read_text())
DOCKERFILE = (INFRA / "worker" / "Dockerfile").read_text()
NEEDED = {f"LANDLOOM_{name.upper()}" for name in OPTIONS if name != "work"}


def instruction(name: str) -> list[str]:
    return json.loads(re.search(rf"^{name} (\[.+\])$", DOCKERFILE, re.MULTILINE)[1])


def rendered() -> dict:
    """The Job that Prefect renders from the pool's template with its defaults; a lone placeholder keeps its type."""
    values = {name: spec.get("default") for name, spec in POOL["variables"]["properties"].items()}

    def fill(node: object) -> object:
        if isinstance(node, dict):
            return {name: fill(value) for name, value in node.items()}
        if isinstance(node, list):
            return [fill(value) for value in node]
        whole = re.fullmatch(r"\{\{ (\w+) \}\}", node) if isinstance(node, str) else None
        return values[whole[1]] if whole else node

    return fill(POOL["job_configuration"]["job_manifest"])


def test_the_image_is_pinned_and_starts_the_worker():
    (base,) = re.findall(r"^FROM (.+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base)
    assert instruction("CMD")[-1].removeprefix("/opt/landloom/") == "flows/worker.py"
    assert "LANDLOOM_PYTHON=/opt/venv/bin/python" in DOCKERFILE and "-r /opt/venv/requirements.lock" in DOCKERFILE


def test_the_plain_job_starts_the_worker_with_all_it_needs():
    container = JOB["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == instruction("ENTRYPOINT") + instruction("CMD")
    values = {entry["name"]: entry["value"] for entry in container["env"]}
    assert {name: values[name] for name in NEEDED} == {name: f"${{{name}}}" for name in NEEDED}
    assert values["LANDLOOM_STATE"] == "/state"
    assert JOB["spec"]["backoffLimit"] == 0, "two parties that retry would train twice"


def test_the_prefect_pool_runs_the_same_pod():
    ours, theirs = JOB["spec"]["template"]["spec"], rendered()["spec"]["template"]["spec"]
    assert rendered()["spec"]["backoffLimit"] == 0
    for name in set(ours) - {"containers"}:
        assert theirs[name] == ours[name], name
    own, pooled = ours["containers"][0], theirs["containers"][0]
    for name in set(own) - {"name", "image", "command", "env"}:
        assert pooled[name] == own[name], name
    assert pooled["name"] == "prefect-job", "Prefect's Kubernetes worker finds its container by this name"
    assert pooled["command"] == instruction("ENTRYPOINT") and pooled["env"]["LANDLOOM_STATE"] == "/state"


def test_every_placeholder_of_the_pool_is_a_variable_of_it():
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(POOL["job_configuration"])))
    assert used == set(POOL["variables"]["properties"])


def test_the_claim_is_the_one_that_is_mounted():
    claim = yaml.safe_load((INFRA / "kubernetes" / "state.yaml").read_text())
    volumes = {volume["name"]: volume for volume in JOB["spec"]["template"]["spec"]["volumes"]}
    assert volumes["state"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_spot_machines_keep_checkpoints_in_a_bucket():
    assert SKY["resources"]["use_spot"] and "strategy" in SKY["resources"]["job_recovery"]
    assert SKY["file_mounts"]["/state"]["source"] == "${LANDLOOM_BUCKET}"
    script = next(path for path, source in SKY["file_mounts"].items() if source == "flows/worker.py")
    assert SKY["run"].rstrip().endswith(f"exec $python {script}")
    assert set(SKY["envs"]) >= NEEDED


@pytest.mark.parametrize("machines, gpus, file", [(1, 4, "multi-gpu"), (2, 8, "multi-node")])
def test_a_spot_machine_knows_its_place_among_several(tmp_path, machines, gpus, file):
    """The block runs unchanged with SkyPilot's variables; a stand-in for the worker prints its environment."""
    (tmp_path / "landloom").mkdir()
    told = "import json, os; print(json.dumps(dict(os.environ)))"
    (tmp_path / "landloom" / "worker.py").write_text(told)
    env = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    env |= {"SKYPILOT_NUM_NODES": str(machines), "SKYPILOT_NODE_RANK": str(machines - 1)}
    env |= {"SKYPILOT_NUM_GPUS_PER_NODE": str(gpus), "SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2"}
    done = subprocess.run(["bash", "-c", SKY["run"]], env=env, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert seen["LANDLOOM_STATE"] == "/state" and seen["LANDLOOM_NODE_RANK"] == str(machines - 1)
    words = launch_command_parser().parse_args([*shlex.split(seen["LANDLOOM_LAUNCH"]), "-m", "tasks.train"])
    assert words.num_processes == machines * gpus and words.num_machines == machines
    assert words.machine_rank == machines - 1 and words.main_process_ip == "10.0.0.1"
    assert words.config_file == f"infra/accelerate/{file}.yaml" and (ROOT / words.config_file).exists()


def test_accelerate_reads_its_settings():
    for path in sorted((INFRA / "accelerate").glob("*.yaml")):
        config = load_config_from_file(str(path))  # refuses unknown keys
        assert config.num_processes >= config.num_machines >= 1, path.name


def test_no_key_stands_in_any_setting():
    secret = re.compile(r"\b([A-Z_]*(?:KEY|SECRET|TOKEN|PASSWORD)[A-Z_]*)\"?[ \t]*[:=][ \t]*[\"']?([^\s\"',}]+)")
    assert secret.findall('AWS_SECRET_ACCESS_KEY: "abc"') == [("AWS_SECRET_ACCESS_KEY", "abc")]
    for path in (*(INFRA / "kubernetes").iterdir(), *(INFRA / "skypilot").iterdir(), INFRA / "worker" / "Dockerfile"):
        assert not secret.findall(path.read_text()), path.name
