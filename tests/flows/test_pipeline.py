"""The flow over DVC's graph: parallel branches, outcomes told apart, a failure that stays in its branch."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from flows.graph import chosen, ordered, read_graph

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
        sleep 0.3 && ! grep '${item}: bad' params.yaml && grep '${item}:' params.yaml > branch_${item}.txt
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
    (tmp_path / "dvc.yaml").write_text(DAG)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


def test_graph_is_dvcs_own(project):
    graph = read_graph(project)
    assert graph["branch@a"] == {"shared"} and graph["last"] == {"branch@a", "branch@b"} and graph["shared"] == set()
    assert ordered(graph) == ["shared", "branch@a", "branch@b", "branch@c", "last"]


def test_choosing_a_part(project):
    graph = read_graph(project)
    assert set(chosen(graph, ["branch@c"])) == {"shared", "branch@c"}
    assert set(chosen(graph, ["branch"])) == {"shared", "branch@a", "branch@b", "branch@c"}
    assert set(chosen(graph, start="branch@a")) == {"branch@a", "last"}
    assert chosen(graph, ["last"], start="branch") == {"branch@a": set(), "branch@b": set(), "last": graph["last"]}
    with pytest.raises(ValueError, match="no stage 'lats'; there are branch@a"):
        chosen(graph, ["lats"])


def test_the_flow(project):
    from prefect.testing.utilities import prefect_test_harness

    from flows.pipeline import StageFailed, pipeline

    with prefect_test_harness(server_startup_timeout=120):
        first = pipeline(root=str(project))
        assert set(first.values()) == {"ran"}
        lock = yaml.safe_load((project / "dvc.lock").read_text())
        assert set(lock["stages"]) == set(first), "parallel branches must leave one complete dvc.lock"

        assert set(pipeline(root=str(project)).values()) == {"unchanged"}

        (project / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"branch": {"a": 2, "b": 1, "c": 1}}))
        changed = pipeline(root=str(project))
        assert changed["branch@a"] == "ran" and changed["branch@b"] == changed["branch@c"] == "unchanged"

        (project / "params.yaml").write_text(yaml.safe_dump(PARAMS))
        assert pipeline(root=str(project))["branch@a"] == "restored from cache"

        # b now fails; c does not need b and must still run, last does and must not.
        (project / "params.yaml").write_text(yaml.safe_dump({"shared": 1, "branch": {"a": 1, "b": "bad", "c": 3}}))
        with pytest.raises(StageFailed, match="^branch@b failed; .*1 not reached"):
            pipeline(root=str(project))
        assert "c: 3" in (project / "branch_c.txt").read_text()
