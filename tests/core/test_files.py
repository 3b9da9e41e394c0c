"""Atomic writes: leftovers of killed processes, and two writers at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core.files import atomic_dir, atomic_file
from tasks.core.settings import ROOT
from tasks.formats.tables.packs import packed

WRITER = """
import sys, time
from pathlib import Path
from tasks.core.files import atomic_dir
with atomic_dir(Path(sys.argv[1])) as folder:
    (folder / "large").write_bytes(bytes(1000))
    print("writing", flush=True)
    time.sleep(600)
"""


def test_leftovers_of_a_killed_writer_are_removed_and_those_of_a_live_writer_stay(tmp_path):
    target = tmp_path / "data [1]" / "scenes"
    command = [sys.executable, "-c", WRITER, str(target)]
    writers = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        assert [writer.stdout.readline() for writer in writers] == ["writing\n"] * 2
        writers[0].send_signal(signal.SIGKILL)
        writers[0].wait()
        left = {f".scenes.part{writer.pid}" for writer in writers}
        (target.parent / ".scenes.partial").mkdir()  # of another program
        assert {path.name for path in target.parent.iterdir()} == left | {".scenes.partial"}
        with atomic_dir(target) as folder:
            (folder / "whole").touch()
        assert {path.name for path in target.parent.iterdir()} == {
            "scenes", f".scenes.part{writers[1].pid}", ".scenes.partial",
        }  # fmt: skip
        assert [path.name for path in target.iterdir()] == ["whole"]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()


BETWEEN = """
import sys, time
from pathlib import Path
from tasks.core.files import atomic_dir
def stop(*_):
    print("between", flush=True)
    time.sleep(600)
Path.replace = stop
with atomic_dir(Path(sys.argv[1])) as folder:
    (folder / "second").touch()
"""


def test_a_kill_while_a_directory_is_replaced_keeps_the_previous_one(tmp_path):
    target = tmp_path / "scenes"
    with atomic_dir(target) as folder:
        (folder / "first").touch()
    with subprocess.Popen([sys.executable, "-c", BETWEEN, target], cwd=ROOT, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout.readline() == "between\n"
        one.kill()
    assert not target.exists() and len(list(tmp_path.iterdir())) == 2
    with pytest.raises(ZeroDivisionError), atomic_dir(target) as folder:
        1 // 0  # noqa: B018
    assert [path.name for path in tmp_path.rglob("*")] == ["scenes", "first"]
    with atomic_dir(target) as folder:
        (folder / "third").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["scenes", "third"]


def test_a_directory_that_cannot_be_put_in_its_place_keeps_the_previous_one(tmp_path):
    target = tmp_path / "scenes"
    with atomic_dir(target) as folder:
        (folder / "first").touch()
    with pytest.raises(FileNotFoundError), atomic_dir(target) as folder:
        folder.rmdir()
    assert [path.name for path in tmp_path.rglob("*")] == ["scenes", "first"]


def test_a_new_process_with_the_id_of_the_killed_one_puts_the_previous_directory_back(tmp_path):
    """Containers give the same ids again."""
    target = tmp_path / "scenes"
    (tmp_path / f".scenes.part{os.getpid()}.former").mkdir()
    (tmp_path / f".scenes.part{os.getpid()}.former" / "first").touch()
    (tmp_path / f".scenes.part{os.getpid()}").mkdir()
    with pytest.raises(ZeroDivisionError), atomic_dir(target):
        1 // 0  # noqa: B018
    assert [path.name for path in tmp_path.rglob("*")] == ["scenes", "first"]


def test_an_interrupt_while_a_directory_is_replaced_keeps_the_previous_one(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    target = tmp_path / "scenes"
    with atomic_dir(target) as folder:
        (folder / "first").touch()
    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_dir(target) as folder:
        (folder / "second").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["scenes", "first"]


WORKER = """
import sys, time
from pathlib import Path
from tasks.core.files import atomic_file
from tasks.formats.tables.packs import packed
with packed(Path(sys.argv[1]), "pack-000") as folder, atomic_file(Path(sys.argv[1]) / "a.tif") as part:
    (folder / "b.tif").write_text("half")
    part.write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


def test_leftovers_of_a_killed_worker_are_removed(tmp_path):
    with atomic_dir(tmp_path / "scenes") as folder:
        command = [sys.executable, "-c", WORKER, str(folder)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout.readline() == "writing\n"
            worker.kill()
        assert len(list(folder.iterdir())) == 2
        with packed(folder, "pack-000") as members:  # another worker repeats the work
            (members / "b.tif").write_text("whole")
    assert [path.name for path in (tmp_path / "scenes").iterdir()] == ["pack-000.zip"]


def test_an_error_keeps_the_previous_content(tmp_path):
    target = tmp_path / "scenes"
    with atomic_dir(target) as folder:
        (folder / "first").touch()
    with pytest.raises(ZeroDivisionError), atomic_dir(target) as folder:
        (folder / "second").write_text(str(1 // 0))
    with pytest.raises(ZeroDivisionError), atomic_file(target / "first") as part:
        part.write_text("half")
        1 // 0  # noqa: B018
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]
    assert [path.name for path in target.iterdir()] == ["first"] and (target / "first").read_text() == ""
    assert not [name for name in os.listdir(target) if ".part" in name]
