"""Places for stages on one host: shared by all processes and freed by a kill. A stage at a terminal never waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tasks.core.settings import ROOT
from tasks.runs.host import FOLDER, LIMIT, host_place

HOLD = """
import functools, sys
from tasks.runs.host import host_place
say = functools.partial(print, flush=True)  # a pipe is not a terminal: without it nobody hears before the end
with host_place(say):
    say("held")
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def host(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.delenv(LIMIT, raising=False)


@pytest.fixture
def stage():
    """Starts a process that holds a place and waits; all end with the test."""
    started = []

    def start(**env):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD],
            cwd=ROOT,
            env=os.environ | env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_stage_of_a_flow_waits_for_a_place_and_gets_that_of_a_dead_stage(stage):
    first = stage()
    assert first.stdout.readline() == "held\n"
    second = stage(**{LIMIT: "1"})
    assert second.stdout.readline().startswith("waits: 1 stages are running on this host")
    first.send_signal(signal.SIGKILL)
    assert second.stdout.readline() == "held\n"


def test_a_stage_at_a_terminal_never_waits(stage, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    first = stage()
    assert first.stdout.readline() == "held\n"
    said = []
    with host_place(said.append):
        assert said == []


def test_two_places_let_two_stages_run(stage):
    both = [stage(**{LIMIT: "2"}) for _ in range(2)]
    assert [process.stdout.readline() for process in both] == ["held\n", "held\n"]
