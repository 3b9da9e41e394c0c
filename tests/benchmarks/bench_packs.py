"""What packs are worth: many small scenes as files of their own against the same in packs, through DVC to an S3 server.

Scenes are smooth noise, heights and colours, written as `project` writes them; the server is moto's, on loopback.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import geopandas as gpd
import numpy as np
from affine import Affine

from tasks.formats.tables.packs import member, packed
from tasks.formats.tables.scenes import SceneReader, write_layer
from tests.servers import free_port, process

SCENES, PX, PACKS = 2000, 128, 20
TOY = {"SCENES": 4, "PX": 16, "PACKS": 2}
GRID = ("EPSG:3857", Affine(90, 0, 0, 0, -90, 0))
KEYS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_DEFAULT_REGION": "us-east-1"}


def run() -> list[tuple[str, str, str]]:
    """Write, hash, push, fetch and read both ways."""
    with tempfile.TemporaryDirectory() as folder:
        root, port = Path(folder), free_port()
        s3 = f"http://127.0.0.1:{port}"
        server = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with process(server, f"{s3}/moto-api/", root / "moto.log"):
            loose, packs = (_measure(root / name, s3, count) for name, count in (("loose", None), ("packs", PACKS)))
    rows = [
        (
            f"{SCENES:,} scenes of {PX}² in packs: files DVC handles, against files of their own",
            f"{packs['files']:,} against {loose['files']:,}",
            "< 2,000",
        )
    ]
    for step in ("write", "dvc add", "dvc push", "dvc pull", "read"):
        text = f"{packs[step] / loose[step]:.2f}× ({packs[step]:.1f} against {loose[step]:.1f} s)"
        rows.append((f"  {step}, time in packs / as files of their own", text, ""))
    return rows


def _measure(root: Path, s3: str, packs: int | None) -> dict[str, float]:
    env = {**os.environ, **KEYS, "AWS_ENDPOINT_URL": s3}

    def command(*arguments: str) -> float:
        started = time.perf_counter()
        subprocess.run(arguments, cwd=root, env=env, check=True, capture_output=True)
        return time.perf_counter() - started

    (root / "scenes").mkdir(parents=True)
    command("git", "init", "-q")
    command("dvc", "init", "-q")
    command("dvc", "remote", "add", "-d", "there", f"s3://{root.name}")
    make = f"import boto3; boto3.client('s3', endpoint_url='{s3}').create_bucket(Bucket='{root.name}')"
    command(sys.executable, "-c", make)
    started = time.perf_counter()
    scenes = _write(root, packs)
    found = {"write": time.perf_counter() - started, "files": len(list((root / "scenes").iterdir()))}
    found["dvc add"] = command("dvc", "add", "-q", "scenes")
    found["dvc push"] = command("dvc", "push", "-q")
    command("rm", "-r", "scenes", ".dvc/cache")
    found["dvc pull"] = command("dvc", "pull", "-q")
    started = time.perf_counter()
    with SceneReader(root, scenes) as reader:
        for name in scenes.index:
            assert reader.height(name).shape == reader.color(name).shape[1:] == (PX, PX)
    return found | {"read": time.perf_counter() - started}


def _write(root: Path, packs: int | None) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for part in range(packs or 1):
        pack = None if packs is None else f"pack-{part:03d}"
        with packed(root / "scenes", pack) as folder:
            for _ in range(SCENES // (packs or 1)):
                height = 900 * cv2.GaussianBlur(rng.standard_normal((PX, PX)).astype(np.float32), (0, 0), 3)
                color = np.stack([(128 + height * gain).clip(0, 255) for gain in (0.2, 0.3, 0.1)] + [height * 0 + 255])
                name = f"s{len(rows):05d}"
                write_layer(folder / f"{name}.height.tif", height, *GRID)
                write_layer(folder / f"{name}.color.tif", color.astype(np.uint8), *GRID)
                paths = {layer: f"scenes/{member(pack, f'{name}.{layer}.tif')}" for layer in ("height", "color")}
                rows.append({"scene": name, **paths})
    return gpd.GeoDataFrame(rows).set_index("scene", drop=False)
