"""The job script for SLURM, under a stand-in for its commands: what each node is told, and the way to the queue."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core.settings import ROOT

PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path
told = {name: value for name, value in os.environ.items() if name.startswith("LANDLOOM_")} | {"words": sys.argv[1:]}
Path("told-" + os.environ["LANDLOOM_NODE_RANK"] + ".json").write_text(json.dumps(told))
if "stop" in sys.argv and not Path("stopped").exists():
    signal.signal(signal.SIGTERM, lambda *_: (Path("stopped").touch(), sys.exit(143)))
    Path("limit").touch()
    time.sleep(60)
"""


@pytest.fixture
def cluster(tmp_path) -> Path:
    """A folder with the job script, a program that says what it was told, and SLURM's commands on the path."""
    root = tmp_path / "shared"
    shutil.copytree(ROOT / "infra" / "slurm", root / "infra" / "slurm")
    (root / "bin").mkdir()
    for name in ("sbatch", "srun", "scontrol", "scancel"):
        (root / "bin" / name).write_text(f"#!{sys.executable}\n" + (ROOT / "tests/infra/slurm.py").read_text())
        (root / "bin" / name).chmod(0o755)
    (root / "run.py").write_text(PROGRAM)
    return root


def sbatch(root: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{root / 'bin'}:{os.environ['PATH']}", "HOME": str(root / "home"), "TOY_SLURM": str(root), **env}
    command = [root / "bin" / "sbatch", *words]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=120)


def told(root: Path, node: int = 0) -> dict:
    return json.loads((root / f"told-{node}.json").read_text())


def test_one_gpu_needs_no_launcher(cluster):
    done = sbatch(cluster, "--gpus-per-node=1", "infra/slurm/job.sbatch", "--minutes", "9")
    assert done.returncode == 0, done.stderr
    assert "LANDLOOM_LAUNCH" not in told(cluster)
    assert told(cluster)["words"] == ["--minutes", "9"]
    assert told(cluster)["LANDLOOM_STATE"] == str(cluster / ".landloom")


def test_several_gpus_are_several_processes(cluster):
    assert sbatch(cluster, "--gpus-per-node=4", "infra/slurm/job.sbatch").returncode == 0
    launch = told(cluster)["LANDLOOM_LAUNCH"]
    assert "--config_file infra/accelerate/multi-gpu.yaml --num_processes 4 --num_machines 1 --machine_rank 0" in launch


def test_every_node_knows_its_rank_and_the_first_ones_address(cluster):
    assert sbatch(cluster, "--nodes=2", "--gpus-per-node=4", "infra/slurm/job.sbatch").returncode == 0
    first, second = told(cluster, 0), told(cluster, 1)
    assert "multi-node.yaml --num_processes 8 --num_machines 2 --machine_rank 0" in first["LANDLOOM_LAUNCH"]
    assert "multi-node.yaml --num_processes 8 --num_machines 2 --machine_rank 1" in second["LANDLOOM_LAUNCH"]
    assert first["LANDLOOM_LAUNCH"].endswith("--main_process_ip localhost --main_process_port 20007")
    assert "LANDLOOM_WORK" not in first and second["LANDLOOM_WORK"].endswith("/.cache/landloom/node-1")


def test_nodes_without_gpus_may_have_several_processes(cluster):
    assert sbatch(cluster, "infra/slurm/job.sbatch", LANDLOOM_PROCESSES="2").returncode == 0
    assert "two-cpu.yaml --num_processes 2" in told(cluster)["LANDLOOM_LAUNCH"]


def test_near_its_time_limit_the_job_stops_the_program_and_starts_again(cluster):
    done = sbatch(cluster, "infra/slurm/job.sbatch", "stop", TOY_LIMIT=str(cluster / "limit"))
    assert (cluster / "stopped").exists()
    assert done.returncode == 0, "the second start went to the end"


def test_an_error_is_the_jobs_own_and_starts_nothing_again(cluster):
    (cluster / "run.py").write_text("import sys; sys.exit(2)")
    assert sbatch(cluster, "infra/slurm/job.sbatch").returncode == 2
    assert not (cluster / "requeued").exists()


def test_without_a_bundle_it_runs_the_stage_of_a_dispatch(cluster):
    (cluster / "run.py").unlink()
    (cluster / "flows").mkdir()
    (cluster / "flows/worker.py").write_text(PROGRAM)
    assert sbatch(cluster, "infra/slurm/job.sbatch", LANDLOOM_STAGE="train@terrain").returncode == 0
    assert told(cluster)["LANDLOOM_STAGE"] == "train@terrain"
