"""The rules of the house, held against the sources: who may know whom, and what each stage depends on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.core.dag import stage_entry, stage_names
from tests.code_deps import ROOT, imports, undeclared, unused

ROOMS = sorted(path.parent.name for path in (ROOT / "tasks").glob("*/__main__.py"))
DATASETS = list(yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"])
SOURCES = ("tasks", "acquire", "sources")
FILES = sorted(path for package in ("tasks", "models", "flows") for path in (ROOT / package).rglob("*.py"))


def place(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).parts


def test_every_stage_has_a_room_and_every_room_a_stage():
    assert sorted(stage_names(ROOT)) == ROOMS


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("room", ROOMS)
def test_deps_name_the_folders_that_the_code_reaches(room, dataset):
    deps = list(stage_entry(room, dataset, ROOT).deps)
    assert undeclared(room, deps) == []
    assert unused(room, deps) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(place(path)))
def test_who_may_know_whom(path):
    here = place(path)
    for target in imports(path):
        there = place(target)
        if here[0] == "models":
            assert there[0] == "models", "models import nothing of ours outside models"
        elif here[0] == "flows":
            assert there[0] != "tasks" or there[1] not in ROOMS, "flows start dvc and import no stage"
        elif len(there) > 2 and there[1] in ROOMS:
            assert here[1] == there[1], "stages never import each other: they meet in formats"
            if here[:3] == SOURCES:
                shared = there[2] == "common" or there[:4] == here[:4] or there[2:] == ("__init__.py",)
                shared = shared or there == (*SOURCES, "__init__.py")
                assert shared, "a source imports what sources share, and no other source"
            else:
                assert there[:3] != SOURCES or there[3] == "__init__.py", "sources are found by name"
        elif there[:2] == ("tasks", "runs"):
            shared = ("core", "formats", "relief", "compute")
            assert here[1] not in shared, "what stages share never imports bookkeeping"


def test_a_stage_starts_without_prefect():
    code = (
        "import sys, tasks.runs.execute; assert not {'prefect', 'mlflow', 'torch'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_dvc_sees_the_stages_that_we_see():
    from dvc.repo import Repo

    with Repo(ROOT) as repo:
        ours = {stage_entry(name, dataset, ROOT) for name in ROOMS for dataset in DATASETS}
        theirs = {stage.name: stage for stage in repo.index.stages}
        assert set(theirs) == {entry.key for entry in ours}
        for entry in ours:
            stage = theirs[entry.key]
            assert {dep.def_path for dep in stage.deps if dep.def_path != "params.yaml"} == set(entry.deps)
            assert {out.def_path for out in stage.outs} == set(entry.outs)


@pytest.mark.parametrize(
    "path", [*FILES, *sorted((ROOT / "infra").rglob("*.py"))], ids=lambda path: "/".join(place(path))
)
def test_files_are_small_enough_to_read_in_one_go(path):
    assert len(path.read_text().splitlines()) <= 400
