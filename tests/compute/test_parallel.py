"""Parallel map over many scenes: the same bytes on every engine, and recovery from dead workers."""

from __future__ import annotations

import operator
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import distributed
import pytest

import tasks.compute.cluster
from tasks.compute.cluster import Cluster
from tasks.compute.parallel import AHEAD, parallel_map
from tasks.core.dag import StageEntry
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute
from tasks.core.stage import Stage
from tasks.formats.tables.tiles import write_tiles
from tasks.select.run import cut, finish
from tasks.select.verdict import judge
from tasks.shard.params import Params as ShardParams
from tasks.shard.run import run as shard
from tests.compute.dask_cluster import DaskCluster, dask_cluster
from tests.select import small as scenes
from tests.shard import small as tiles
from tests.work import Numbered, leave_a_mark, refuse, run_out_of_memory

FAKE_DASK = """
import distributed.versions as versions
from dask.__main__ import main
real = versions._version_cached
versions._version_cached = lambda name: "2020.1.0" if name == "distributed" else real(name)
main()
"""


def on(engine: str, workers: int = 2) -> Compute:
    return Compute(engine=engine, workers=workers)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two workers; their nannies replace dead workers."""
    with dask_cluster(tmp_path_factory.mktemp("cluster"), workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """A scheduler for workers that must be refused."""
    with dask_cluster(tmp_path_factory.mktemp("strange")) as running:
        yield running


def run_select(root: Path, engine: str) -> Path:
    data = root / "data/terrain"
    heights = {f"s{n}": scenes.fractal((160, 192), 400, n) for n in range(6)}
    rows = [scenes.add_heights(data, name, heights[name], lat=46 + n / 5) for n, name in enumerate(heights)]
    stage = scenes.stage(root, engine)
    write_tiles(
        finish(judge(cut(stage, scenes.write_table(data, rows)), stage.params, stage.seed)), data / "tiles.parquet"
    )
    return data / "tiles.parquet"


def run_shard(root: Path, engine: str) -> Path:
    data = tiles.grow(root / "data/terrain", layers=("height", "color"), scenes=3)
    params = ShardParams(px=32, tiles_per_shard=20, encoding="png16", height_step=0.1)
    shard(Stage(StageEntry("shard", "terrain", (), (), ()), params, 1, on(engine), Run(), root))
    return data / "shards"


@pytest.mark.parametrize("run", [run_select, run_shard])
def test_a_stage_gives_the_same_bytes_on_a_cluster(run, cluster, tmp_path):
    # Each stage's own tests hold processes against serial.
    assert dvc_md5(run(tmp_path / "dask", cluster.address)) == dvc_md5(run(tmp_path / "serial", "serial"))


def test_both_workers_work_and_results_come_in_order(cluster, tmp_path):
    found = list(parallel_map(partial(leave_a_mark, folder=tmp_path, seconds=0.1), range(12), on(cluster.address)))
    assert [item for item, _ in found] == list(range(12))
    assert len({worker for _, worker in found}) == 2


def at_work(folder: Path, worker: int, known: list[int]) -> bool:
    """Return whether the worker started an item whose result has not arrived."""
    later = [path for path in folder.iterdir() if int(path.name) not in known]
    return any(str(worker) in path.read_text().split() for path in later)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_worker_costs_only_its_own_work(cluster, tmp_path):
    work = partial(leave_a_mark, folder=tmp_path, seconds=0.2)
    found = []
    for item, worker in parallel_map(work, range(20), on(cluster.address)):
        found.append(item)
        if item == 5:
            wait_until(lambda who=worker: at_work(tmp_path, who, found))
            os.kill(worker, signal.SIGKILL)
    assert found == list(range(20))
    times = {item: len((tmp_path / str(item)).read_text().split()) for item in range(20)}
    assert sum(times.values()) - 20 <= 2, times  # its current item, and an item whose result was not fetched yet


def test_a_stage_survives_a_killed_worker_with_the_same_bytes(cluster, tmp_path, monkeypatch):
    whole = dvc_md5(run_shard(tmp_path / "whole", "serial"))

    def killing(self, items, total, what):
        for number, item in enumerate(items):
            if number == 1:
                with distributed.Client(cluster.address, set_as_default=False) as client:
                    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
            yield item

    monkeypatch.setattr(Stage, "progress", killing)
    assert dvc_md5(run_shard(tmp_path / "broken", cluster.address)) == whole


@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_an_error_is_raised_unchanged_and_in_order(engine, cluster):
    results = parallel_map(refuse, range(8), on(cluster.address if engine == "dask" else engine))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LandloomError, match=r"^raw/3\.tif: not a raster; remove it$"):
        next(results)


def test_an_item_that_kills_its_workers_is_named(cluster):
    with pytest.raises(LandloomError, match=r"2 Dask workers died one after the other over scene 2, .*--memory-limit"):
        list(parallel_map(run_out_of_memory, [Numbered(n) for n in range(4)], on(cluster.address)))


def test_a_dead_process_is_reported(tmp_path):
    with pytest.raises(LandloomError, match="a worker process died"):
        list(parallel_map(run_out_of_memory, range(4), on("processes")))


def test_the_number_of_items_in_flight_is_bounded(tmp_path):
    results = parallel_map(partial(leave_a_mark, folder=tmp_path, seconds=0), range(200), on("processes"))
    next(results)
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) <= AHEAD * 3
    assert len(list(results)) == 199


def test_a_missing_scheduler_is_reported_in_one_line_and_bounded_time(monkeypatch):
    monkeypatch.setattr(tasks.compute.cluster, "CONNECT_S", 1)
    started = time.monotonic()
    with pytest.raises(LandloomError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9: .*docs/cluster\.md"):
        list(parallel_map(operator.neg, range(3), on("tcp://127.0.0.1:9")))
    assert time.monotonic() - started < 5


def test_a_silent_port_is_reported_in_one_line_and_bounded_time(monkeypatch):
    monkeypatch.setattr(tasks.compute.cluster, "CONNECT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(LandloomError, match=f"no Dask scheduler answers at {address}: what listens there"):
            list(parallel_map(operator.neg, range(3), on(address)))


def test_a_dead_scheduler_is_reported_in_one_line_and_bounded_time(tmp_path):
    with dask_cluster(tmp_path) as short:
        short.add(nanny=False)
        results = parallel_map(partial(leave_a_mark, folder=tmp_path, seconds=0.1), range(1000), on(short.address))
        next(results)
        short.scheduler.kill()
        started = time.monotonic()
        with pytest.raises(LandloomError, match="the Dask scheduler at .* went away"):
            list(results)
        assert time.monotonic() - started < 30


def test_a_scheduler_of_another_version_is_refused(tmp_path):
    with (
        dask_cluster(tmp_path, scheduler=("-c", FAKE_DASK, "scheduler")) as old,
        pytest.raises(LandloomError, match=r"Dask scheduler .* has distributed 2020\.1\.0, here it is .*lock"),
    ):
        list(parallel_map(operator.neg, range(3), on(old.address)))


def test_waiting_for_workers_has_a_time_limit(strange, monkeypatch):
    monkeypatch.setattr(tasks.compute.cluster, "ALONE_S", 0)
    monkeypatch.setattr(tasks.compute.cluster, "LOOK_S", 0.2)
    with pytest.raises(LandloomError, match="has had no worker for 0 s"):
        list(parallel_map(operator.neg, range(3), on(strange.address)))


def other_tree(folder: Path) -> Path:
    """Copy the code and add one line."""
    for package in ("tasks", "models"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "tasks/select/cut.py").open("a") as stream:
        stream.write("# one more line\n")
    return folder


def with_worker(cluster: DaskCluster, expected: str, *arguments: str, root: Path = ROOT) -> None:
    worker = cluster.add(1, *arguments, root=root, nanny=False)
    try:
        with pytest.raises(LandloomError, match=expected):
            list(parallel_map(operator.neg, range(3), on(cluster.address)))
    finally:
        worker.terminate()
        worker.wait(60)


def test_a_worker_with_other_code_is_refused(strange, tmp_path):
    expected = r"Dask worker tcp://.* runs other code than this checkout \(tasks/select differs\)"
    with_worker(strange, expected, root=other_tree(tmp_path / "tree"))


def test_a_worker_without_our_code_is_reported(strange, tmp_path):
    with_worker(strange, r"does not find our code .*PYTHONPATH", root=tmp_path)


def test_a_worker_with_many_threads_is_refused(strange):
    with_worker(strange, r"has 4 threads; start it with `--nthreads 1`", "--nthreads", "4")


def test_a_worker_that_does_not_see_the_data_is_refused(cluster):
    with Cluster(cluster.address, operator.neg, range(1)) as engine:
        engine._mark.unlink()
        future = engine.submit(1)
        (done,) = engine.finished([future])
        with pytest.raises(LandloomError, match=f"does not see {ROOT}, where data/ lies; mount that folder"):
            engine.result(done)
