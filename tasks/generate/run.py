"""Generate samples from a seed: the same model, seed and parameters give the same bytes."""

from __future__ import annotations

from tasks.core.files import atomic_dir, write_json
from tasks.core.hashing import dvc_md5
from tasks.core.stage import Stage
from tasks.generate import export
from tasks.generate.contact_sheet import SHOWN
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
        made, shared = product.shared(params, product.make(model, folder, stage.dataset, params, origin))
        for sample in stage.progress(made, params.count, product.noun):
            sidecars.append(write_sample(samples, sample, params, shared))
            if len(shown) < SHOWN:
                shown.append(sample)
        pictures = [{"name": "overview", "text": f"{product.title}, as exported."}]
        for name, text, picture in show_exports(samples, shown[0].name, params):
            stage.picture(name, picture)
            pictures.append({"name": name, "text": text})
        notes = [note for name in params.exports if (note := export.find(name).note)]
        about = {
            "product": product_of(model),
            "title": product.title,
            "noun": product.noun,
            "samples": [sidecar["name"] for sidecar in sidecars],
            "pictures": pictures,
            "notes": list(dict.fromkeys(notes)),
        }
        write_json(samples / "index.json", about)
    stage.picture("overview", product.sheet(shown, params.count))
    stage.metrics(product.figures(sidecars))
    stage.say(f"{len(sidecars)} {product.noun} in {stage.dir.relative_to(stage.root)}/samples")
