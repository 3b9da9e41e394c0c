"""The rules of the house, held against the sources: who may know whom, and what each stage depends on."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from flows.bundles.imports import imports as imported
from tasks.core.dag import stage_entry, stage_names
from tests.code_deps import FIRST, ROOT, imports, undeclared, unused

ROOMS = sorted(path.parent.name for path in (ROOT / "tasks").glob("*/__main__.py"))
DATASETS = list(yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"])
SHARED = ("core", "formats", "relief", "compute", "polite")
BY_NAME = {("models",): "params.py", ("tasks", "acquire", "sources"): "source.py"}
"""Folders whose members are found by name, and the file that every member has."""
APART = (("tasks", "evaluate"), ("tasks", "generate"), ("tasks", "train"), ("tasks", "generate", "exports"))
"""Folders whose members, products or exports, never import each other."""
AFTER = (("models", "explore"), ("models", "features"), ("models", "onnx"))
"""Folders of models that only finished models and their judges need."""
PRODUCTS = sorted(path.parent.name for path in (ROOT / "tasks" / "generate").glob("*/product.py"))
SOURCES = sorted(path for package in ("tasks", "models", "flows") for path in (ROOT / package).rglob("*.py"))
EVERY = sorted([*SOURCES, *(path for package in ("infra", "tests") for path in (ROOT / package).rglob("*.py"))])


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


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(place(path)))
def test_who_may_know_whom(path):
    here = place(path)
    for target in imports(path):
        there = place(target)
        if here[0] == "models":
            assert there[0] == "models", "models import nothing of ours outside models"
            assert there[:2] not in AFTER or here[:2] in AFTER, "no training depends on what comes after it"
        elif here[0] == "flows":
            assert there[0] != "tasks" or there[1] not in ROOMS, "flows start dvc and import no stage"
        elif len(there) > 2 and there[1] in ROOMS:
            assert here[1] == there[1], "stages never import each other: they meet in formats"
        elif there[:2] == ("tasks", "runs"):
            assert here[1] not in SHARED, "what stages share never imports bookkeeping"
        elif here[:2] == ("tasks", "core"):
            assert there[:2] == ("tasks", "core") or target == ROOT / FIRST, "core imports nothing outside core"
        if (there_kind := kind(there)) and target.name != "__init__.py":
            assert kind(here) == there_kind, "methods and sources are found by name"
        for folder in APART:
            one, other = member(here, folder), member(there, folder)
            assert not (one and other) or one == other, "products and exports are found by name and stand alone"


def member(path: tuple[str, ...], folder: tuple[str, ...]) -> str | None:
    """The product or export in `folder` that the path belongs to, as a module or as a package of that name."""
    if len(path) <= len(folder) or path[: len(folder)] != folder:
        return None
    name = path[len(folder)].removesuffix(".py")
    return name if name != "__init__" and (folder[-1] == "exports" or name in PRODUCTS) else None


def test_a_member_is_a_module_or_a_package():
    exports, train = ("tasks", "generate", "exports"), ("tasks", "train")
    assert member((*exports, "stl.py"), exports) == "stl" == member((*exports, "stl", "write.py"), exports)
    assert member((*train, "heights.py"), train) == "heights" and member((*train, "feed.py"), train) is None
    assert member((*exports, "__init__.py"), exports) is None


def kind(path: tuple[str, ...]) -> tuple[str, ...] | None:
    """The folder of the method or source that the path lies in; None where it lies in none."""
    for folder, record in BY_NAME.items():
        rest = path[len(folder) :]
        if path[: len(folder)] == folder and len(rest) > 1 and (ROOT.joinpath(*folder) / rest[0] / record).exists():
            return (*folder, rest[0])
    return None


def test_no_module_lies_loose_among_the_rooms():
    assert [path.name for path in (ROOT / "tasks").glob("*.py")] == ["__init__.py"]
    assert [path.name for path in (ROOT / "models").glob("*.py")] == ["__init__.py"]


def test_what_people_read_whole_is_short():
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 170
    lines = (ROOT / "params.yaml").read_text().splitlines()
    first = [
        number for number, line in enumerate(lines) if line.startswith("  ") and line[2:].split(":")[0] in DATASETS
    ]
    assert len(first) == len(DATASETS)
    assert max(end - start for start, end in pairwise([*first, len(lines)])) <= 70


def test_commands_and_bookkeeping_import_nothing_in_a_circle():
    """An import inside a function can hide a circle; both kinds of import count."""
    mine = [path for path in SOURCES if place(path)[0] == "flows" or place(path)[:2] == ("tasks", "runs")]
    modules = {path: set(imported(path, ROOT, ("flows", "tasks"))) & set(mine) - {path} for path in mine}
    TopologicalSorter(modules).prepare()  # raises CycleError, which names the modules


def test_every_model_is_an_artifact():
    artifacts = yaml.safe_load((ROOT / "dvc.yaml").read_text())["artifacts"]
    assert {name: facts["path"] for name, facts in artifacts.items()} == {
        dataset: f"data/{dataset}/model" for dataset in DATASETS
    }


def test_nothing_comes_before_a_stage_but_the_settings_of_the_environment_and_of_arithmetic():
    docstring, *rest = ast.parse((ROOT / FIRST).read_text()).body
    first = ["import tasks.core.surroundings", "import tasks.core.arithmetic"]
    assert isinstance(docstring, ast.Expr) and [ast.unparse(line) for line in rest] == first


def test_a_stage_starts_without_prefect():
    code = (
        "import sys, tasks.runs.execute; assert not {'prefect', 'mlflow', 'torch'} & set(sys.modules), 'heavy import'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_parameters_of_every_stage_are_checked_without_a_library_of_numbers():
    """Each stage checks the parameters of all stages before it starts."""
    code = """
import sys
from tasks.core.settings import ROOT
from tasks.runs.parameters import load
load(ROOT)
assert not {"numpy", "scipy", "numba", "pandas", "torch"} & set(sys.modules), "heavy import"
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_model_is_used_without_prefect_dvc_and_mlflow():
    """A machine that only generates imports none of them: drawings, words and the latent space need the model alone."""
    code = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys(("prefect", "dvc", "mlflow"), None))  # an import of one of them fails
import tasks.generate
for module in pkgutil.walk_packages(tasks.generate.__path__, "tasks.generate."):
    importlib.import_module(module.name)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


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


@pytest.mark.parametrize("path", EVERY, ids=lambda path: "/".join(place(path)))
def test_files_are_small_enough_to_read_in_one_go(path):
    assert len(path.read_text().splitlines()) <= 300


def test_compiled_code_calls_only_its_own_file():
    """Numba's cache on disk notices a change of the function's own file alone."""
    import importlib

    from numba.core.registry import CPUDispatcher

    for path in sorted((ROOT / "tasks").rglob("*.py")):
        if "compiled import" not in path.read_text():
            continue
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, found in vars(module).items():
            if not isinstance(found, CPUDispatcher) or found.py_func.__module__ != module.__name__:
                continue
            code = found.py_func.__code__
            foreign = [
                other
                for other in code.co_names
                if isinstance(vars(module).get(other), CPUDispatcher)
                and vars(module)[other].py_func.__module__ != module.__name__
            ]
            assert not foreign, f"{path}: {name} calls {foreign}"
