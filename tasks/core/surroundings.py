"""The shell's environment changes no result and stops no start. This module is imported at the start of every process.

Libraries read many variables that a person set for other programs: GDAL and PROJ choose other transformations and
metadata by them, matplotlib another backend and other styles, git another repository, accelerate another number of
processes. This module removes or fixes them before a library loads. `tasks.core.arithmetic` does so for the variables
that choose the processor's code. Variables that only name a place or a key (proxies, addresses, tokens) stay.
"""

from __future__ import annotations

import locale
import os
import pwd
import sys
from collections.abc import MutableMapping

RASTERS = ("GDAL_", "CPL_", "PROJ_", "OGR_", "OSR_", "GTIFF_", "TIFF_", "VSI_", "RASTERIO_")
"""Prefixes of variables of GDAL and PROJ. Packages bring the data that GDAL_DATA and PROJ_DATA name."""

PINNED = {
    "GDAL_CONFIG_FILE": os.devnull,  # else GDAL reads ~/.gdal/gdalrc
    "PROJ_NETWORK": "OFF",  # else PROJ fetches grids, and the same raster lies elsewhere on another machine
    "MPLBACKEND": "Agg",  # a notebook's backend is no module of ours, and a window needs a display
    "MATPLOTLIBRC": os.devnull,  # pictures are outputs, so a person's style does not enter them
}
"""Variables with the value that they have in every process."""

OF_GIT = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_CONFIG"),
)
"""Variables that name another repository, such as those of a git hook that starts a stage."""

OF_RANKS = (
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "NODE_RANK", "PMI_RANK", "PMI_SIZE"),
    *("WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
)
FAMILIES_OF_RANKS = ("OMPI_COMM_WORLD_", "MV2_COMM_WORLD_", "MPI_LOCAL", "ACCELERATE_")
"""Variables that say which of several processes this is. They count only where a launcher started this process."""
LAUNCHERS = ("LANDLOOM_LAUNCHED", "TORCHELASTIC_RUN_ID")
"""A launcher sets one of these for its processes: `tasks.train.launch`, or `accelerate launch` and `torchrun`."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Servers on this machine (Prefect, MLflow, Dask) are never asked through a proxy."""


def fix(environment: MutableMapping[str, str] = os.environ) -> None:
    """Remove and fix variables in `environment`."""
    dropped = [name for name in environment if name.startswith(RASTERS)] + list(OF_GIT)
    if not any(environment.get(name) for name in LAUNCHERS):
        dropped += [*OF_RANKS, *(name for name in environment if name.startswith(FAMILIES_OF_RANKS))]
    for name in dropped:
        environment.pop(name, None)
    environment.update(PINNED)
    _name_the_user(environment)
    if any(name.lower().endswith("_proxy") and name.lower() != "no_proxy" for name in environment):
        given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
        hosts = [host for host in given.split(",") if host.strip()]
        both = ",".join([*hosts, *(host for host in LOOPBACK if host not in hosts)])
        environment.update({"no_proxy": both, "NO_PROXY": both})


def _name_the_user(environment: MutableMapping[str, str]) -> None:
    """Give a user id without a name one, as containers have it: `getpass.getuser` of many libraries fails else."""
    if any(environment.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME")):
        return
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        environment["USER"] = environment["LOGNAME"] = f"user{os.getuid()}"


def check_encoding(encoding: str) -> None:
    """End the process with one line if texts are not read and written as UTF-8."""
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        sys.exit(
            f"the encoding of this shell's locale is {encoding}, and the files of a checkout are UTF-8: set "
            "LC_ALL=C.UTF-8, or PYTHONUTF8=1"
        )


fix()
check_encoding(locale.getpreferredencoding(False))
