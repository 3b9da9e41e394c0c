"""Generate samples from a seed: the same model, seed and parameters give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.core.products import latent_space
from tasks.core.files import atomic_dir, write_json
from tasks.core.hashing import dvc_md5
from tasks.core.stage import Stage
from tasks.generate import export
from tasks.generate.contact_sheet import SHOWN
from tasks.generate.explore.make import make_part
from tasks.generate.explore.part import Task
from tasks.generate.explore.part import find as find_part
from tasks.generate.params import Params
from tasks.generate.product import open_model, product_of
from tasks.generate.write_sample import show_exports, write_sample


def run(stage: Stage[Params]) -> None:
    """Sample the model, write every sample in all formats, and draw them all on one sheet."""
    folder, params = stage.dir / "model", stage.params
    model, product = open_model(folder)
    export.check(params.exports, product_of(model))
    origin = {"dataset": stage.dataset, "model_md5": dvc_md5(folder)}
    shown, sidecars = [], []
    with atomic_dir(stage.dir / "samples") as samples:
        drawn = product.make(model, folder, stage.dataset, params, origin)
        made, shared = product.shared(params, (product.refine(params, sample) for sample in drawn))
        for sample in stage.progress(made, params.count, product.noun):
            sidecars.append(write_sample(samples, sample, params, shared))
            if len(shown) < SHOWN:
                shown.append(sample)
        pictures = [{"name": "overview", "text": f"{product.title}, as exported."}]
        for name, text, picture in show_exports(samples, shown[0].name, params):
            stage.picture(name, picture)
            pictures.append({"name": name, "text": text})
        notes = [note for name in params.exports if (note := export.find(name).note)]
        task = Task(model, latent_space(model), params.seed, stage.root)
        explored = [_explored(stage, samples / "explore" / name, name, task, origin) for name in params.explore]
        about = {
            "product": product_of(model),
            "title": product.title,
            "noun": product.noun,
            "samples": [sidecar["name"] for sidecar in sidecars],
            "pictures": pictures,
            "explored": explored,
            "notes": list(dict.fromkeys(notes)),
        }
        write_json(samples / "index.json", about)
    stage.picture("overview", product.sheet(shown, params.count))
    figures = product.figures(sidecars)
    stage.metrics({"samples": len(sidecars), **figures}, shown=("samples", *figures))
    stage.say(f"{len(sidecars)} {product.noun} in {stage.dir.relative_to(stage.root)}/samples")


def _explored(stage: Stage[Params], folder: Path, name: str, task: Task, origin: dict[str, Any]) -> dict[str, Any]:
    """Make a part of the exploration; return its entry for the report."""
    record, picture = find_part(name), f"explore-{name}"
    folder.mkdir(parents=True)
    shown = make_part(name, stage.params.explore[name], task, folder, origin)
    stage.picture(picture, shown.sheet)
    return {
        "part": name,
        "title": record.title,
        "text": shown.text,
        "picture": picture,
        "table": shown.table,
        "files": [{"name": f"explore/{name}/{file}", "title": title} for file, title in record.files.items()],
    }
