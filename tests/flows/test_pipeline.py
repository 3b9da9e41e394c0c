"""The flow over DVC's graph: its edges, parallel branches, the kinds of outcome, a failure of one branch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from flows.pipeline import pipeline
from flows.stages.graph import chosen, ordered, read_graph, read_plan
from flows.stages.repro import StageFailed, patient, touches_network
from tasks.core.settings import ROOT
from tests.flows.stand import everything_up_to_date, new_repository

# Each branch waits for the other two: it ends only if all three run at the same time.
DAG = """
stages:
  shared:
    cmd: cp params.yaml shared.txt
    params: [shared]
    outs: [shared.txt]
  branch:
    foreach: [a, b, c]
    do:
      cmd: >-
        touch ${item}.here; for i in $(seq 600); do test -e a.here -a -e b.here -a -e c.here && break; sleep 0.1; done;
        test -e a.here -a -e b.here -a -e c.here &&
        ! grep '${item}: bad' params.yaml && grep '${item}:' params.yaml > branch_${item}.txt
      deps: [shared.txt]
      params:
        - branch.${item}
      outs: ["branch_${item}.txt"]
  last:
    cmd: cat branch_a.txt branch_b.txt > last.txt
    deps: [branch_a.txt, branch_b.txt]
    outs: [last.txt]
"""
PARAMS = {"shared": 1, "branch": {"a": 1, "b": 1, "c": 1}}


@pytest.fixture
def project(tmp_path):
    """A DVC repository: one stage shared by three branches, two of which meet again."""
    return new_repository(tmp_path, DAG, yaml.safe_dump(PARAMS))


def test_graph_is_dvcs_own(project):
    graph = read_graph(project)
    assert graph["branch@a"] == {"shared"} and graph["last"] == {"branch@a", "branch@b"} and graph["shared"] == set()
    assert ordered(graph) == ["shared", "branch@a", "branch@b", "branch@c", "last"]


def test_choosing_a_part(project):
    graph = read_graph(project)
    assert set(chosen(graph, ["branch@c"])) == {"shared", "branch@c"}
    assert set(chosen(graph, ["branch"])) == {"shared", "branch@a", "branch@b", "branch@c"}
    assert set(chosen(graph, ["@b"])) == {"shared", "branch@b"}
    assert set(chosen(graph, start="branch@a")) == {"branch@a", "last"}
    assert chosen(graph, ["last"], start="branch") == {"branch@a": set(), "branch@b": set(), "last": graph["last"]}
    with pytest.raises(ValueError, match="no stage 'lats'; there are branch@a"):
        chosen(graph, ["lats"])


def test_the_flow_has_the_edges_of_every_real_stage_instance(tmp_path, prefect):
    """The tasks that the server recorded, compared with the paths in `dvc.yaml` and with DVC's own graph."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    root = tmp_path / "all"
    edges = everything_up_to_date(root)
    assert read_graph(root) == edges
    state = pipeline(root=str(root), return_state=True)
    assert state.result() == dict.fromkeys(ordered(edges), "unchanged")
    with get_client(sync_client=True) as client:
        this = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))

        def told() -> dict[str, set[str]]:
            runs = client.read_task_runs(flow_run_filter=this, limit=200)
            names = {run.id: run.name for run in runs}
            return {run.name: {names.get(need.id, "") for need in run.task_inputs.get("needs", [])} for run in runs}

        deadline = time.monotonic() + 30  # the server gets a task in parts, at first without its name
        while (heard := told()) != edges and time.monotonic() < deadline:
            time.sleep(0.2)
    assert heard == edges


def test_the_flow(project, prefect):
    from prefect.task_runners import ThreadPoolTaskRunner

    wide = pipeline.with_options(task_runner=ThreadPoolTaskRunner(max_workers=3))
    first = wide(root=str(project))
    assert set(first.values()) == {"ran"}
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    assert set(lock["stages"]) == set(first), "parallel branches must leave one complete dvc.lock"
    assert (
        subprocess.run(["dvc", "status", "--json"], cwd=project, capture_output=True, text=True).stdout.strip() == "{}"
    )

    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"branch": {"a": 2, "b": 1, "c": 1}}))
    assert wide(root=str(project), dry=True) == {
        "shared": "unchanged",
        "branch@a": "would run, or be restored from cache",
        "branch@b": "unchanged",
        "branch@c": "unchanged",
        "last": "unchanged, unless branch@a writes something else",
    }
    changed = wide(root=str(project))
    assert changed == {
        "shared": "unchanged",
        "branch@a": "ran",
        "branch@b": "unchanged",
        "branch@c": "unchanged",
        "last": "ran",
    }

    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    assert wide(root=str(project))["branch@a"] == "restored from cache"

    # b now fails. c does not need b and must run; last needs b and must not.
    (project / "params.yaml").write_text(yaml.safe_dump({"shared": 1, "branch": {"a": 1, "b": "bad", "c": 3}}))
    with pytest.raises(StageFailed, match="^branch@b failed; .*1 not reached"):
        wide(root=str(project))
    assert "c: 3" in (project / "branch_c.txt").read_text()


SLOW = """
stages:
  slow:
    cmd: echo $$ >> ran.log; {command}; echo done > out.txt
    params: [a]
    outs: [out.txt]
"""
FLOW = "import sys; from flows.pipeline import pipeline; print(pipeline(root=sys.argv[1]))"
COUNTED = """
import sys
from pathlib import Path
from flows.pipeline import pipeline
from flows.stages import repro
def run_dvc(*given, run=repro.run_dvc, **more):
    ended = run(*given, **more)
    with Path(sys.argv[1], "attempts").open("a") as stream:
        stream.write("attempt\\n")
    return ended
repro.run_dvc = run_dvc
print(pipeline(root=sys.argv[1]))
"""


def start(root, env, code=FLOW):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_flows_in_one_checkout_do_the_work_once(tmp_path, server):
    project = new_repository(tmp_path, SLOW.format(command="sleep 4"), "a: 1\n")
    said = [flow.communicate(timeout=120)[0] for flow in [start(project, server) for _ in range(2)]]
    outcomes = sorted(text.splitlines()[-1] for text in said)
    assert outcomes == ["{'slow': 'ran'}", "{'slow': 'unchanged'}"], said
    assert len((project / "ran.log").read_text().split()) == 1


def test_a_flow_beside_a_dvc_repro_says_in_one_line_what_it_waits_for(tmp_path, server):
    project = new_repository(tmp_path, SLOW.format(command="until test -e go; do sleep 0.1; done"), "a: 1\n")
    first = subprocess.Popen(["dvc", "repro"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 150
    while not (project / "ran.log").exists():
        assert time.monotonic() < deadline and first.poll() is None, first.communicate()[0]
        time.sleep(0.1)
    # A second `dvc repro` ends, and names the process. README says so, and what waits instead.
    second = subprocess.run(["dvc", "repro"], cwd=project, capture_output=True, text=True, timeout=150)
    assert second.returncode != 0 and f"blocked by:\n  (PID {first.pid}): " in second.stderr
    flow, heard = start(project, server, COUNTED), []
    for line in flow.stdout:
        heard.append(line.strip())
        if "waits for" in line:
            break
    deadline = time.monotonic() + 150
    while len((project / "attempts").read_text().split()) < 2:  # the second attempt finds the same process at work
        assert time.monotonic() < deadline and flow.poll() is None
        time.sleep(0.1)
    (project / "go").touch()
    heard += flow.communicate(timeout=150)[0].splitlines()
    told = [line for line in heard if "waits for" in line]
    assert len(told) == 1 and told[0].endswith(
        f"slow: waits for process {first.pid} (dvc repro), which uses out.txt"
    ), told
    assert heard[-1] == "{'slow': 'unchanged'}" and not any("no processes with such PIDs" in line for line in heard)
    assert first.wait(timeout=150) == 0 and len((project / "ran.log").read_text().split()) == 1


def test_a_cancelled_flow_leaves_no_stage_at_work(tmp_path, server):
    project = new_repository(tmp_path, SLOW.format(command="sleep 300"), "a: 1\n")
    flow = start(project, server)
    deadline = time.monotonic() + 150
    while not (project / "ran.log").exists() or not (project / "ran.log").read_text().strip():
        assert time.monotonic() < deadline and flow.poll() is None, flow.communicate()[0]
        time.sleep(0.1)
    shell = int((project / "ran.log").read_text())
    flow.send_signal(signal.SIGTERM)
    flow.communicate(timeout=150)
    assert flow.returncode != 0
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(shell, 0)
            time.sleep(0.1)


def test_without_a_server_the_flow_brings_its_own(tmp_path):
    project = new_repository(tmp_path / "project", SLOW.format(command="true"), "a: 1\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    proxy = {"http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}  # which nobody answers
    flow = start(project, env | proxy | {"PREFECT_HOME": str(tmp_path / "home")})
    assert "{'slow': 'ran'}" in flow.communicate(timeout=240)[0]


def test_only_stages_that_touch_a_network_are_tried_again(prefect, tmp_path, monkeypatch):
    def params(kind, **source):
        method = {"name": "facts"}
        return {"datasets": {"d": {"acquire": {"source": {"kind": kind} | source}, "caption": {"method": method}}}}

    assert touches_network("acquire@d", params("stac"))
    assert not touches_network("acquire@d", params("files", paths=["rasters"]))
    assert not touches_network("acquire@d", params("no such source"))
    assert not touches_network("caption@d", params("stac")) and not touches_network("train@d", params("stac"))
    assert patient("train@d", {}, None).retries == 0

    monkeypatch.setattr("flows.stages.repro.DELAYS_S", [0, 0, 0])
    tries = "echo x >> tries; test $(wc -l < tries) = 3 && echo > out.txt"
    dag = yaml.safe_dump({"stages": {"acquire": {"foreach": ["d"], "do": {"cmd": tries, "outs": ["out.txt"]}}}})
    project = new_repository(tmp_path, dag, yaml.safe_dump(params("stac")))
    assert pipeline(root=str(project)) == {"acquire@d": "ran"}
    (project / "tries").unlink()
    (project / "out.txt").unlink()
    (project / "params.yaml").write_text(yaml.safe_dump(params("files", paths=["rasters"])))
    with pytest.raises(StageFailed, match="acquire@d failed"):
        pipeline(root=str(project), force=["acquire"])
    assert (project / "tries").read_text() == "x\n"


def test_a_stage_that_another_process_writes_counts_as_changed(project):
    subprocess.run(["dvc", "repro", "--quiet", "shared"], cwd=project, check=True)
    assert read_plan(project).unchanged == {"shared"}
    writer = {str(project / "shared.txt"): {"pid": os.getppid(), "cmd": "dvc repro"}}
    (project / ".dvc" / "tmp" / "rwlock").write_text(json.dumps({"write": writer}))
    assert read_plan(project).unchanged == set()
