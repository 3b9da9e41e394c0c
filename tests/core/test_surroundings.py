"""What a shell sets for other programs changes no result of ours and stops no start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.core.surroundings import PINNED, check_encoding, fix

ROOT = Path(__file__).resolve().parents[2]
ODD = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # a notebook
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "1",  # a cluster
    "GDAL_DATA": "/nowhere", "PROJ_DATA": "/nowhere", "PROJ_LIB": "/nowhere",  # another GIS program
    "GDAL_SKIP": "GTiff", "GDAL_PAM_ENABLED": "NO", "GTIFF_SRS_SOURCE": "EPSG", "GTIFF_POINT_GEO_IGNORE": "YES",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "OSR_DEFAULT_AXIS_MAPPING_STRATEGY": "AUTHORITY_COMPLIANT",
    "GIT_DIR": "/nowhere/.git", "GIT_INDEX_FILE": "/nowhere/index", "GIT_WORK_TREE": "/nowhere",  # a hook of git
    "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9",
}  # fmt: skip
WORK = """
import hashlib, io, os, sys
import tasks
import matplotlib.pyplot as plt
import numpy as np, rasterio, httpx
from rasterio.transform import from_origin
from rasterio.warp import transform
from tasks.runs.provenance import git_state
path = sys.argv[1] + "/a.tif"
place = from_origin(2600000, 1200000, 90, 90)
with rasterio.open(path, "w", "GTiff", 4, 4, 1, "EPSG:2056", place, "float32") as raster:
    raster.write(np.arange(16, dtype="float32").reshape(1, 4, 4))
    raster.scales = [2.0]  # in a file of its own beside it
with rasterio.open(path) as raster:
    there = transform(raster.crs, "EPSG:4326", [2600000], [1200000])
    found = [raster.scales, raster.bounds, raster.crs.to_wkt(), there]
figure, axes = plt.subplots(figsize=(1, 1))
axes.plot([1, 2])
drawn = io.BytesIO()
figure.savefig(drawn, metadata={"Software": None})
digest = hashlib.md5(repr(found).encode() + drawn.getvalue()).hexdigest()
print(digest, os.environ.get("RANK"), os.environ.get("WORLD_SIZE"), git_state(__import__("pathlib").Path.cwd())[0])
"""


def said(folder: Path, **shell: str) -> str:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(folder)],
        cwd=ROOT, env={**os.environ, **shell}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rasters_pictures_ranks_and_the_commit_are_the_same_in_every_shell(tmp_path):
    home = tmp_path / "home"
    (home / ".gdal").mkdir(parents=True)
    (home / ".gdal" / "gdalrc").write_text("[configoptions]\nGDAL_PAM_ENABLED=NO\nGDAL_SKIP=GTiff\n")
    (home / ".config" / "matplotlib").mkdir(parents=True)
    (home / ".config" / "matplotlib" / "matplotlibrc").write_text("lines.linewidth: 9\nfigure.dpi: 50\n")
    plain = said(tmp_path / "plain")
    assert said(tmp_path / "odd", **ODD, HOME=str(home), XDG_CONFIG_HOME=str(home / ".config")) == plain
    assert plain.split()[1:3] == ["None", "None"]


def test_ranks_count_where_a_launcher_started_the_process():
    for launcher in ("LANDLOOM_LAUNCHED", "TORCHELASTIC_RUN_ID"):
        environment = {"RANK": "1", "WORLD_SIZE": "2", "ACCELERATE_USE_CPU": "1", launcher: "1"}
        fix(environment)
        assert environment["RANK"] == "1" and "ACCELERATE_USE_CPU" in environment
    environment = {"RANK": "1", "ACCELERATE_USE_CPU": "1", "OMPI_COMM_WORLD_SIZE": "4", "KEY": "stays"}
    fix(environment)
    assert environment == {
        **PINNED,
        "KEY": "stays",
        **{n: environment[n] for n in ("USER", "LOGNAME") if n in environment},
    }


@pytest.mark.parametrize("given", [{}, {"no_proxy": "example.org"}, {"NO_PROXY": "127.0.0.1,example.org"}])
def test_servers_on_this_machine_are_asked_without_a_proxy(given):
    import httpx

    environment = {"HTTPS_PROXY": "http://proxy.example.org:3128", **given}
    fix(environment)
    hosts = environment["no_proxy"].split(",")
    assert {"127.0.0.1", "localhost"} <= set(hosts) and len(hosts) == len(set(hosts))
    assert environment["HTTPS_PROXY"] and environment["NO_PROXY"] == environment["no_proxy"]
    assert all(host in hosts for host in given.get("no_proxy", "").split(",") if host)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        assert not any(pattern.matches(httpx.URL("http://127.0.0.1:1/")) and transport is not None
                       for pattern, transport in httpx.Client()._mounts.items())  # fmt: skip


def test_a_user_id_without_a_name_gets_one(monkeypatch):
    import getpass
    import pwd

    def unknown(uid: int):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    fix()
    assert getpass.getuser().startswith("user")
    for name in ("LOGNAME", "USER"):
        monkeypatch.delenv(name)


def test_another_encoding_ends_with_one_line(capsys):
    check_encoding("UTF-8")
    with pytest.raises(SystemExit, match="the encoding of this shell's locale is ISO-8859-1.*PYTHONUTF8=1"):
        check_encoding("ISO-8859-1")
