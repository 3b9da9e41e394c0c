"""Generate terrains from a seed: the same model, seed and parameters give the same bytes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tasks.core.files import atomic_dir
from tasks.core.hashing import dvc_md5
from tasks.core.stage import Stage
from tasks.generate.overview import SHOWN, overview
from tasks.generate.params import Params
from tasks.generate.source import classes_of, open_model, terrains
from tasks.generate.terrain.codes import span
from tasks.generate.terrain.glb import read_glb
from tasks.generate.terrain.render import render
from tasks.generate.write_sample import write_sample


def run(stage: Stage[Params]) -> None:
    """Sample or paint, write every terrain in all formats, and draw them all on one sheet."""
    folder, params = stage.dir / "model", stage.params
    model = open_model(folder)
    classes = classes_of(model)
    origin = {"dataset": stage.dataset, "model_md5": dvc_md5(folder)}
    shown, ranges = [], []
    with atomic_dir(stage.dir / "samples") as samples:
        made = terrains(model, folder, stage.dataset, params, origin)
        over = None
        if params.shared_range:
            made = list(made)  # the range is known when the last terrain is
            over = span(terrain.height for terrain in made)
        for terrain in stage.progress(made, params.count, "terrains"):
            sidecar = write_sample(samples, terrain, params, over, classes)
            ranges.append(sidecar["height"]["high_m"] - sidecar["height"]["low_m"])
            if len(shown) < SHOWN:
                shown.append(terrain)
        if "glb" in params.exports:
            # Drawn from the file and not from the array: what is seen here is what a viewer will show.
            picture = render(read_glb(samples / f"{shown[0].name}.glb"))
            Image.fromarray(picture).save(samples / "preview3d.png")
            stage.picture("preview3d", picture)
    stage.picture("overview", overview(shown, params.count, classes))
    stage.metrics({"terrains": len(ranges), "median_relief_m": float(np.median(ranges))})
    stage.say(f"{len(ranges)} terrains in {stage.dir.relative_to(stage.root)}/samples")
