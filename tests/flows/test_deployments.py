"""The deployments of prefect.yaml on a real server: all registered, and a refresh that runs on schedule by itself."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time

import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import from_origin

from flows.dispatch import dispatch
from flows.pipeline import pipeline
from flows.refresh import lock_entry, refresh
from flows.stages.repro import StageFailed
from flows.sweep import sweep
from tasks.core.settings import ROOT
from tests.pipeline.conftest import Clone
from tests.together import stop

FLOWS = {"refresh": refresh, "train": dispatch, "sweep": sweep, "pipeline": pipeline}
AFTER = {  # acquire is the real stage; the stage after it takes no time
    "foreach": "${datasets}",
    "do": {
        "cmd": "ls data/${key}/raw > data/${key}/listing.txt; echo x >> after.log",
        "deps": ["data/${key}/raw"],
        "outs": ["data/${key}/listing.txt"],
    },
}


@pytest.mark.parametrize(
    "entry", yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"], ids=lambda e: e["name"]
)
def test_every_deployment_names_a_flow_and_its_parameters(entry):
    flow = FLOWS[entry["name"]]
    assert entry["entrypoint"] == f"flows/{inspect.getmodule(flow.fn).__name__.split('.')[1]}.py:{flow.fn.__name__}"
    flow.validate_parameters(
        entry.get("parameters", {}) | ({"root": str(ROOT)} if "root" in flow.parameters.properties else {})
    )


def raster(folder, number):
    """One degree of hills, as a person would put it into a folder."""
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": 60, "height": 60, "crs": "EPSG:4326"}
    rows, cols = np.mgrid[0:60, 0:60]
    heights = (300 + 40 * np.sin(rows / 7 + number) * np.cos(cols / 5)).astype("float32")
    with rasterio.open(
        folder / f"cell{number}.tif", "w", transform=from_origin(8 + number, 47, 1 / 60, 1 / 60), **profile
    ) as out:
        out.write(heights, 1)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A clone whose imagery lies in a folder outside it, which DVC does not see."""
    folder = tmp_path_factory.mktemp("refresh")
    clone = Clone(folder / "repo")
    (folder / "rasters").mkdir()
    raster(folder / "rasters", 1)
    stages = yaml.safe_load((clone.root / "dvc.yaml").read_text())["stages"]
    (clone.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"acquire": stages["acquire"], "after": AFTER}}))
    clone.change({"datasets.terrain.acquire.source": {"kind": "files", "paths": ["../rasters"]}})
    return clone


def test_a_refresh_on_schedule_takes_new_imagery_and_nothing_else(checkout, server):
    root, log = checkout.root, checkout.root.parent / "worker.log"
    env = {**checkout.env, **server, "OMP_NUM_THREADS": "1"}

    def prefect(*arguments):
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr

    deployments = yaml.safe_load((root / "prefect.yaml").read_text())
    next(one for one in deployments["deployments"] if one["name"] == "refresh")["schedules"] = [{"interval": 10}]
    (root / "prefect.yaml").write_text(yaml.safe_dump(deployments))
    prefect("work-pool", "create", "landloom", "--type", "process")
    prefect("deploy", "--all")
    with log.open("w") as stream:
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "landloom"],
            cwd=root,
            env=env,
            stdout=stream,
            stderr=stream,
        )
    try:
        wait(log, "new imagery", 1)
        entry, run = lock_entry("acquire@terrain", root), (root / "data/terrain/runs/acquire.json").read_text()
        wait(log, "nothing new", 1)  # the second run, a few seconds later
        assert lock_entry("acquire@terrain", root) == entry
        assert (root / "data/terrain/runs/acquire.json").read_text() == run, "the run that made the bytes stays named"
        raster(root.parent / "rasters", 2)
        wait(log, "new imagery", 2)
        wait(root / "after.log", "x", 2)
        wait(log, "Flow run 'refresh terrain' - Finished in state Completed()", 3)
    finally:
        stop(worker)
    assert "cell1.tif" in (root / "data/terrain/listing.txt").read_text()
    assert "cell2.tif" in (root / "data/terrain/listing.txt").read_text()
    assert (root / "after.log").read_text() == "x\nx\n", "what follows ran when there was something new, and only then"
    if left := checkout.status():  # the worker was stopped in its next run, which had written its run file
        assert left == {"acquire@terrain": [{"changed outs": {"data/terrain/runs/acquire.json": "modified"}}]}
        checkout.repro()
    assert checkout.status() == {}


def wait(log, words, times):
    deadline = time.monotonic() + 400
    while log.read_text().count(words) < times:
        assert time.monotonic() < deadline, f"{words!r} not {times} times in\n{log.read_text()[-4000:]}"
        time.sleep(0.2)


def test_a_source_that_is_away_costs_nothing(checkout, prefect):
    root, rasters = checkout.root, checkout.root.parent / "rasters"
    refresh("terrain", root=str(root))
    before = checkout.hashes()
    rasters.rename(root.parent / "away")
    try:
        with pytest.raises(StageFailed, match=r"acquire@terrain: .*; the data are as they were"):
            refresh("terrain", root=str(root))
    finally:
        (root.parent / "away").rename(rasters)
    assert checkout.status() == {} and checkout.hashes() == before
    assert json.loads((root / "data/terrain/runs/acquire.json").read_text())["outs"]
