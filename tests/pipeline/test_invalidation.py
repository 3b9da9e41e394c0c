"""Which stages `dvc status` names after an edit of one file of each kind: those that read it, of every dataset."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dvc.dependency.param
import pytest
import yaml
from dvc.output import Output
from dvc.repo import Repo, lock_repo
from dvc.utils.serialize import load_path

from tasks.core.dag import stage_entry, stage_names
from tasks.core.settings import PARAMS, ROOT
from tests.pipeline.conftest import commit, own_environment, work_tree

DATASETS = yaml.safe_load((ROOT / PARAMS).read_text())["datasets"]
ALL = tuple(stage_names(ROOT))
MODEL = ("train", "evaluate", "generate")
METHODS = sorted(path.parent.name for path in (ROOT / "models").glob("*/params.py"))
SOURCES = sorted(path.parent.name for path in (ROOT / "tasks/acquire/sources").glob("*/params.py"))
EDITS = {
    "models/core/loop.py": MODEL,
    "models/explore/projection.py": ("generate",),
    "models/features/efficientnet.py": ("evaluate", "generate"),
    "tasks/acquire/common/download.py": ("acquire",),
    "tasks/core/stage.py": ALL,
    "tasks/runs/titles.py": (),
    "tasks/runs/tracking.py": (),
    "tasks/compute/parallel.py": ("project", "select", "label", "caption", "shard"),
    "tasks/polite/limits.py": ("acquire", "caption"),
    "tasks/relief/geomorphons.py": ("label", "caption", "evaluate", "generate"),
    "tasks/relief/shade/hillshade.py": ("project", "select", "label", "caption", *MODEL),
    "tasks/formats/shards/loader.py": ("shard", "train", "evaluate"),
    "tasks/label/legend.py": ("label",),
    "tasks/evaluate/distances.py": ("evaluate",),
    "tasks/generate/write_sample.py": ("generate",),
    "tasks/report/page.html.j2": ("report",),
    "tasks/register/description.py": ("register",),
    "flows/pipeline.py": (),
    "infra/scales/laptop.yaml": (),
    "docs/services.md": (),
    "README.md": (),
    "tests/conftest.py": (),
}
"""File to the stages of every dataset that it reaches."""


class Current:
    """A clone in which every stage is up to date, and DVC's graph of it, read once: no edit of a file changes that."""

    def __init__(self, root: Path, repo: Repo):
        self.root, self._repo = root, repo

    def named(self) -> set[str]:
        """The stages that `dvc status` names. It looks at every file again, once for all stages that depend on it."""
        read = functools.cache(lambda path, fs: load_path(path, fs))
        hashed, kept = Output._get_hash_meta, {}  # private; its result depends on these three attributes of an output

        def once(output: Output):
            key = output.fs_path, output.hash_name, output.use_cache
            if key not in kept:
                kept[key] = hashed(output)
            return kept[key]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dvc.dependency.param, "load_path", read)
            patch.setattr(Output, "_get_hash_meta", once)
            return {name.rpartition(":")[2] for name in self._repo.status()}  # DVC puts the file before the name


@pytest.fixture(scope="module")
def current(tmp_path_factory) -> Iterator[Current]:
    """A clone in which every stage of every dataset is up to date: its outputs are made up."""
    root = tmp_path_factory.mktemp("current") / "repo"
    work_tree(root)
    commit(root)
    for out in (out for dataset in DATASETS for name in ALL for out in stage_entry(name, dataset, root).outs):
        (root / out).parent.mkdir(parents=True, exist_ok=True)
        (root / out).write_text(out)
    subprocess.run(["dvc", "commit", "--quiet", "--force"], cwd=root, env=own_environment(), check=True)
    assert named(root) == set()
    with Repo(root) as repo, lock_repo(repo):  # while the lock is held, DVC keeps the graph
        yield Current(root, repo)


def named(root: Path) -> set[str]:
    """The stages that `dvc status` names, with nothing kept in memory."""
    with Repo(root) as repo:
        return {name.rpartition(":")[2] for name in repo.status()}  # DVC puts the file before the name


def after_edit(current: Current, path: str, old: str = "", new: str = "# edited\n") -> set[str]:
    """The stages named once `old` is replaced by `new` in a file; the file is put back."""
    file = current.root / path
    text = file.read_text()
    try:
        file.write_text(text.replace(old, new, 1) if old else text + new)
        return current.named()
    finally:
        file.write_text(text)


def of(stages: tuple[str, ...], datasets: list[str] | None = None) -> set[str]:
    return {f"{stage}@{dataset}" for stage in stages for dataset in (DATASETS if datasets is None else datasets)}


@pytest.mark.parametrize(("path", "stages"), EDITS.items(), ids=EDITS)
def test_an_edit_reaches_the_stages_that_read_the_file(current, path, stages):
    assert after_edit(current, path) == of(stages)


@pytest.mark.parametrize("method", METHODS)
def test_an_edit_of_a_method_reaches_the_datasets_that_chose_it(current, method):
    chose = [name for name, sections in DATASETS.items() if sections["train"]["method"]["name"] == method]
    for file in ("record.py", "params.py"):
        assert after_edit(current, f"models/{method}/{file}") == of(MODEL, chose)


@pytest.mark.parametrize("source", SOURCES)
def test_an_edit_of_a_source_reaches_the_datasets_that_chose_it(current, source):
    chose = [name for name, sections in DATASETS.items() if sections["acquire"]["source"]["kind"] == source]
    for file in ("source.py", "params.py"):
        assert after_edit(current, f"tasks/acquire/sources/{source}/{file}") == of(("acquire",), chose)


@pytest.mark.parametrize(
    ("pattern", "stage"),
    [
        ("tasks/generate/exports/[a-z]*.py", "generate"),
        ("tasks/generate/*/__init__.py", "generate"),
        ("tasks/evaluate/*/__init__.py", "evaluate"),
    ],
    ids=["export", "product generated", "product measured"],
)
def test_an_edit_of_an_export_or_a_product_reaches_its_stage(current, pattern, stage):
    path = min(current.root.glob(pattern))
    assert after_edit(current, path.relative_to(current.root).as_posix()) == of((stage,))


def test_a_number_of_one_dataset_reaches_its_own_stage(current):
    assert after_edit(current, PARAMS, "steps: 400", "steps: 401") == {"train@terrain"}


def test_a_new_kind_of_engine_reaches_nothing(current):
    assert after_edit(current, PARAMS, "engine: processes", "engine: serial") == set()
