"""A mistake in the section of one dataset stops only that dataset, also in DVC."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT, load, read, rooms


def change(values, dataset, room, key, value):
    values["datasets"][dataset][room][key] = value


MISTAKES = [
    (lambda v: change(v, "terrain", "project", "gsdd", 30), "datasets.terrain.project.gsdd: unknown key"),
    (lambda v: change(v, "terrain", "select", "quota", "many"), "datasets.terrain.select.quota: "),
    (lambda v: change(v, "terrain", "label", "method", {"name": "magic"}), "datasets.terrain.label.method.name: "),
    (lambda v: change(v, "terrain", "acquire", "source", {"kind": "stca"}), "datasets.terrain.acquire.source.kind: "),
    (
        lambda v: change(v, "terrain", "acquire", "source", {}),
        "datasets.terrain.acquire.source.kind: this key is missing",
    ),
    (lambda v: v["datasets"]["terrain"].pop("shard"), "datasets.terrain.shard: this section is missing"),
    (lambda v: v["datasets"].update(terrain=None), "datasets.terrain: must be a mapping"),
    (lambda v: v["datasets"]["terrain"].update(paint={}), "datasets.terrain.paint: unknown key"),
]


@pytest.mark.parametrize(("mistake", "told"), MISTAKES)
def test_only_the_dataset_with_the_mistake_is_stopped(tmp_path, mistake, told):
    for path in ROOT.glob("tasks/*/params.py"):
        (tmp_path / "tasks" / path.parent.name).mkdir(parents=True)
        (tmp_path / "tasks" / path.parent.name / "params.py").touch()
    values = read()
    mistake(values)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    assert rooms(load(tmp_path, "atlas").datasets, "atlas", tmp_path)["project"].method == "sphere_crops"
    with pytest.raises(LandloomError) as error:
        load(tmp_path, "terrain")
    assert str(error.value).startswith(f"params.yaml: {told}") and "\n" not in str(error.value)
    with pytest.raises(LandloomError):
        load(tmp_path)


def test_a_mistake_in_shared_values_stops_all_datasets(tmp_path):
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(read() | {"compute": {"workers": 0}}))
    with pytest.raises(LandloomError, match=r"compute\.workers"):
        load(tmp_path, "atlas")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """The pipeline's definition and code, as a DVC repository of their own."""
    root = tmp_path_factory.mktemp("mistakes") / "repo"
    for folder in ("tasks", "models"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", root)
    dvc(root, "init", "--no-scm", "--quiet")
    return root


def dvc(root: Path, *arguments: str) -> tuple[int, str]:
    env = os.environ | {
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(["dvc", *arguments], cwd=root, env=env, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("number", [0, 3])
def test_dvc_goes_on_with_the_other_dataset(checkout, number):
    values = read()
    MISTAKES[number][0](values)
    (checkout / "params.yaml").write_text(yaml.safe_dump(values))
    status, said = dvc(checkout, "repro", "acquire@atlas", "--dry")
    assert status == 0 and "python -m tasks.acquire atlas" in said, said


def test_dvc_names_the_dataset_and_the_missing_key(checkout):
    """DVC resolves `${item.…}` of all datasets first; with `--single-item`, only that of the target."""
    values = read()
    change(values, "terrain", "acquire", "source", {"planet_px": 800})
    (checkout / "params.yaml").write_text(yaml.safe_dump(values))
    status, said = dvc(checkout, "repro", "acquire@atlas", "--dry")
    assert status != 0 and "acquire@terrain" in said and "item.acquire.source.kind" in said
    status, said = dvc(checkout, "repro", "acquire@atlas", "--dry", "--single-item")
    assert status == 0 and "python -m tasks.acquire atlas" in said, said
