"""The commit of a run is recorded wherever git can tell it; where it cannot, one line says why."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from flows.outside.git import git as asked
from tasks.core.errors import LandloomError
from tasks.runs.provenance import git_state
from tasks.runs.titles import committed_text
from tests.runs.tiny import git, grow_tree


def head(root: Path) -> str:
    return git(root, "rev-parse", "HEAD").strip()


def test_a_checkout_of_another_owner_has_its_commit(tmp_path, monkeypatch, capfd):
    root = grow_tree(tmp_path)
    expected, patch = head(root), git_state(root)[1]
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git then acts as if another user owned the folder
    assert subprocess.run(["git", "status"], cwd=root, capture_output=True).returncode == 128
    assert git_state(root) == (expected, patch) and "+answer = 42" in patch
    assert committed_text(root).startswith("datasets:")
    assert asked(root, "rev-parse", "HEAD").strip() == expected
    assert capfd.readouterr().err == ""


def test_a_checkout_in_a_folder_of_another_repository_has_that_commit_and_its_own_patch(tmp_path):
    outer = tmp_path / "outer"
    root = grow_tree(outer / "deep" / "inner")
    (root / ".git").rename(tmp_path / "aside")
    (root / "code.py").write_text("answer = 41\n")
    (outer / "other.py").write_text("other = 1\n")
    git(outer, "init", "-q")
    git(outer, "add", "deep/inner/dvc.yaml", "deep/inner/code.py", "deep/inner/params.yaml", "other.py")
    git(outer, "commit", "-qm", "outer")
    (root / "code.py").write_text("answer = 42\n")
    (outer / "other.py").write_text("other = 2\n")
    commit, patch = git_state(root)
    assert commit == head(outer)
    assert "a/code.py" in patch and "+answer = 42" in patch and "other" not in patch
    assert committed_text(root).startswith("datasets:")


def alone(root: Path) -> str:
    (root / ".git").rename(root.parent / "aside")
    return "git says: not a git repository"


def around(root: Path) -> str:
    """An unpacked archive inside another project's repository."""
    (root / ".git").rename(root.parent / "aside")
    git(root.parent, "init", "-q")
    git(root.parent, "commit", "-qm", "of another project", "--allow-empty")
    return "git does not track its dvc.yaml"


def empty(root: Path) -> str:
    (root / ".git").rename(root.parent / "aside")
    git(root, "init", "-q")
    return "git says: Needed a single revision"


def broken(root: Path) -> str:
    (root / ".git" / "HEAD").unlink()
    return "git says: not a git repository"


@pytest.mark.parametrize("how", [alone, around, empty, broken])
def test_without_a_commit_one_line_says_why(how, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    root = grow_tree(tmp_path / "repo")
    reason = how(root)
    assert git_state(root) == (None, None)
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"warning: this run is recorded without a commit: {reason}")


def test_without_git_one_line_says_so(tmp_path, monkeypatch, capfd):
    root = grow_tree(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert git_state(root) == (None, None)
    assert "git cannot be started (No such file or directory)" in capfd.readouterr().err
    with pytest.raises(LandloomError, match="git cannot be started"):
        asked(root, "status")
