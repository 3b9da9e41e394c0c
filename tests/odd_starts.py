"""Environments from which people start the pipeline, and which must not change its bytes."""

from __future__ import annotations

NOTEBOOK = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    **{"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "1"},
    **{"GDAL_SKIP": "GTiff", "PROJ_LIB": "/nowhere", "OMP_NUM_THREADS": "7"},
}
"""A notebook's backend of plots, a cluster's shell and another GIS program's settings."""

_WAYS = [f"{way}_proxy" for way in ("http", "https", "all")]
PROXY = dict.fromkeys([*_WAYS, *map(str.upper, _WAYS)], "http://127.0.0.1:9")
"""A proxy that does not answer."""

NAMES = ("USER", "LOGNAME", "LNAME", "USERNAME")
"""Variables that name the user."""

UID = 12345  # a user id without a name
AS_OTHER = ("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups")
AS_OTHER += ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""Starts a process of that user, from root. The right to read reaches an environment of Python in root's own folder;
nothing more can be written by it."""
