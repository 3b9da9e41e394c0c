"""`make setup` notices an environment that works no more; `make demo` needs no model that comes with the repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core.settings import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
AGAIN = "it is made again"


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout whose environment is whole, with the one script that is looked at."""
    root = tmp_path / "here"
    root.mkdir()
    for name in ("Makefile", "requirements.lock"):
        shutil.copyfile(ROOT / name, root / name)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=root, check=True)
    (root / ".venv/bin/dvc").write_text(f"#!{root.resolve()}/.venv/bin/python\nprint('dvc')\n")
    (root / ".venv/.ready").touch()
    return root


def setup(root: Path, *words: str) -> str:
    """What `make setup` would do, or does with the given words instead."""
    command = ["make", *(words or ("-n", "setup"))]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def test_a_whole_environment_stays(checkout):
    assert AGAIN not in setup(checkout) and (checkout / ".venv/.ready").exists()
    link = checkout.parent / "link"  # several checkouts may share an environment
    shutil.copytree(checkout, link, ignore=shutil.ignore_patterns(".venv"))
    (link / ".venv").symlink_to(checkout / ".venv")
    (checkout / ".venv/.ready").touch()
    assert AGAIN not in setup(link)


def test_after_a_move_or_a_copy_it_is_made_again(checkout):
    copy = checkout.parent / "copy"
    shutil.copytree(checkout, copy, symlinks=True)
    moved = checkout.rename(checkout.parent / "there")
    for root in (moved, copy):
        said = setup(root)
        assert AGAIN in said and said.index("rm -rf .venv") < said.index("-m venv .venv"), said
        assert "infra/install.py requirements.lock" in said and (root / ".venv/.ready").exists(), "-n changes nothing"


def test_if_its_python_or_its_scripts_are_gone_it_is_made_again(checkout):
    script = (checkout / ".venv/bin/dvc").read_text()
    (checkout / ".venv/bin/dvc").unlink()
    assert AGAIN in setup(checkout)
    (checkout / ".venv/bin/dvc").write_text(script)
    (checkout / ".venv/.ready").touch()
    assert AGAIN not in setup(checkout)
    (checkout / ".venv/bin/python").unlink()
    (checkout / ".venv/bin/python").symlink_to("/nowhere/python")
    assert AGAIN in setup(checkout)


def test_the_demo_goes_on_without_the_model_of_the_repository_and_with_a_broken_one(checkout):
    def demo() -> list[str]:
        """Lines until the last step, which needs more than this environment has."""
        return subprocess.run(["make", "demo"], cwd=checkout, capture_output=True, text=True).stdout.splitlines()

    (checkout / ".venv/bin/dvc").chmod(0o755)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
    subprocess.run([*git, "init", "--quiet"], cwd=checkout, check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "first"], cwd=checkout, check=True)
    said = demo()
    assert "trains its own" in said[0] and said[1:3] == ["dvc repro generate@terrain", "dvc"]
    assert "dvc repro" in said, "all stages came"
    (checkout / "models/pretrained/terrain").mkdir(parents=True)
    (checkout / "models/pretrained/terrain/config.json").write_text("{}")
    again = demo()
    assert "made no pictures; the demo goes on" in again[0] and again[1:] == said


def test_one_that_was_moved_and_linked_back_stays(checkout):
    disk = (checkout / ".venv").rename(checkout.parent / "large disk")
    (checkout / ".venv").symlink_to(disk)
    assert AGAIN not in setup(checkout)


def test_a_shared_one_that_does_not_fit_is_left_to_the_others(checkout):
    copy = checkout.parent / "copy"
    shutil.copytree(checkout, copy, symlinks=True)
    link = checkout.parent / "link"
    shutil.copytree(checkout, link, ignore=shutil.ignore_patterns(".venv"))
    (link / ".venv").symlink_to(copy / ".venv")  # the scripts there name the environment of `checkout`
    assert AGAIN in setup(link) and AGAIN in setup(link, "again") and not (link / ".venv").is_symlink()
    assert (copy / ".venv/.ready").exists() and "-m venv .venv" in setup(link)


def test_other_targets_neither_remove_nor_say_anything(checkout):
    (checkout / ".venv/bin/dvc").unlink()
    assert AGAIN not in setup(checkout, "-n", "clean") and (checkout / ".venv/.ready").exists()


def test_a_place_with_a_space_is_known(checkout):
    roomy = checkout.rename(checkout.parent / "a place")
    script = f'"{roomy}/.venv/bin/python" "$0" "$@"'  # as pip writes it for a path that `#!` cannot hold
    (roomy / ".venv/bin/dvc").write_text(f"#!/bin/sh\n'''exec' {script}\n' '''\n")
    assert AGAIN not in setup(roomy)
