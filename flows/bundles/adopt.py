"""Import of outputs from another machine into DVC, as if DVC had run the stage here.

This uses functions of DVC, because its command line takes outputs only from the working tree. The order keeps DVC
consistent after an interruption: first the cache, then the run cache, then `dvc.lock`, then the working tree.
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
    """Import the outputs of the stage `name` from `folder`; return False if DVC has the same outputs already.

    Args:
        inputs: DVC's hash of each dependency at the start of the stage.
        folder: holds the outputs under their paths in `dvc.yaml`.

    Raises:
        LandloomError: an input changed during the import.
    """
    folder = folder.resolve()
    # DVC's run cache resolves paths against the working directory.
    with chdir(root), Repo(root, _wait_for_lock=True) as repo, locked(repo):
        stage = next(stage for stage in repo.index.stages if stage.name == name)
        before = {out.def_path: out.hash_info for out in stage.outs}
        for dep in stage.deps:
            try:
                dep.save()
            except DependencyDoesNotExistError:  # not fetched; DVC records only its hash
                dep.hash_info, dep.meta = HashInfo("md5", inputs[dep.def_path]), Meta()
            if not isinstance(dep, ParamsDependency) and dep.hash_info.value != inputs[dep.def_path]:
                raise LandloomError(f"{name}: {dep.def_path} changed while the results were imported; start again")
        for out in stage.outs:
            _take(out, folder / out.def_path)
        stage.md5 = stage.compute_md5()
        repo.stage_cache.save(stage)
        stage.dump(update_pipeline=False)
        stage.checkout(force=True)
        return before != {out.def_path: out.hash_info for out in stage.outs}


def _take(out: Output, path: Path) -> None:
    """Copy one output into the cache of DVC."""
    staging, meta, found = build(out.cache, str(path), LocalFileSystem(), out.hash_name)
    transfer(staging, out.cache, {found.hash_info}, hardlink=False, shallow=False)
    out.meta, out.obj, out.hash_info = meta, found, found.hash_info
