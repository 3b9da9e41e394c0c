"""Outputs that a stage wrote elsewhere, put where DVC would have put them had it run the stage here.

DVC's own functions do it, since its command line takes outputs from the working tree alone. The order keeps every
moment sound: objects into the cache, then the run cache, then `dvc.lock`, then the working tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

from dvc.dependency import ParamsDependency
from dvc.dependency.base import DependencyDoesNotExistError
from dvc.fs import LocalFileSystem
from dvc.output import Output
from dvc.repo import Repo
from dvc.repo import lock_repo as locked
from dvc_data.hashfile.build import build
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta
from dvc_data.hashfile.transfer import transfer

from tasks.core.errors import LandloomError


def adopt(name: str, inputs: Mapping[str, str], folder: Path, root: Path) -> bool:
    """Take over the outputs of the stage `name` from `folder`; False where DVC has the very same already.

    Args:
        inputs: DVC's hash of every dependency, as the stage found it.
        folder: holds the outputs under the paths that `dvc.yaml` gives them.
    Raises:
        LandloomError: an input changed meanwhile.
    """
    folder = folder.resolve()
    # DVC's run cache takes paths from the working directory.
    with chdir(root), Repo(root, _wait_for_lock=True) as repo, locked(repo):
        stage = next(stage for stage in repo.index.stages if stage.name == name)
        before = {out.def_path: out.hash_info for out in stage.outs}
        for dep in stage.deps:
            try:
                dep.save()
            except DependencyDoesNotExistError:  # not fetched; its hash is all that DVC writes down
                dep.hash_info, dep.meta = HashInfo("md5", inputs[dep.def_path]), Meta()
            if not isinstance(dep, ParamsDependency) and dep.hash_info.value != inputs[dep.def_path]:
                raise LandloomError(f"{name}: {dep.def_path} changed while its results were taken over; start again")
        for out in stage.outs:
            _take(out, folder / out.def_path)
        stage.md5 = stage.compute_md5()
        repo.stage_cache.save(stage)
        stage.dump(update_pipeline=False)
        stage.checkout(force=True)
        return before != {out.def_path: out.hash_info for out in stage.outs}


def _take(out: Output, path: Path) -> None:
    """Put one output into the cache."""
    staging, meta, found = build(out.cache, str(path), LocalFileSystem(), out.hash_name)
    transfer(staging, out.cache, {found.hash_info}, hardlink=False, shallow=False)
    out.meta, out.obj, out.hash_info = meta, found, found.hash_info
