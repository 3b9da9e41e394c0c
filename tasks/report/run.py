"""Write the report: a page that opens in every browser without a server, and its pictures and samples."""

from __future__ import annotations

from typing import Any

from tasks.core.files import atomic_dir
from tasks.core.stage import Stage
from tasks.report.data import read_json, some_captions, sources, stages, verdicts
from tasks.report.figures import copy_pictures
from tasks.report.params import Params
from tasks.report.sample_cards import copy_samples
from tasks.report.scores import read_scores
from tasks.report.template import render

DRAWN = ("project", "select", "label", "caption", "train", "evaluate", "generate")


def run(stage: Stage[Params]) -> None:
    """Gather the facts, copy the pictures and samples, fill the template."""
    data = stage.dir
    scores, made = (
        read_scores(read_json(data / "evaluation" / "metrics.json")),
        read_json(data / "samples" / "index.json"),
    )
    told = {"evaluate": scores.captions, "generate": _texts(made)}
    lineage = read_json(data / "lineage.json")
    with atomic_dir(data / "report") as target:
        facts = {
            "title": stage.params.title,
            "dataset": stage.dataset,
            "card": read_json(data / "shards" / "card.json"),
            "verdicts": verdicts(data),
            "captions": some_captions(data),
            "sources": sources(data),
            "scores": scores,
            "trained": training(lineage),
            "model": lineage["model"],
            "stages": stages(lineage),
            "seed": stage.seed,
            "pictures": {name: copy_pictures(data, name, target, told.get(name)) for name in DRAWN},
            "samples": copy_samples(data / "samples", target),
        }
        (target / "index.html").write_text(render(facts), encoding="utf-8")
    stage.artifact(data / "report" / "index.html", "report")
    stage.say(f"open {(data / 'report' / 'index.html').as_uri()}")


def _texts(made: dict[str, Any]) -> dict[str, str]:
    """Captions of the pictures of generate, by name."""
    texts = {item["name"]: item["text"] for item in made["pictures"]}
    return texts | {part["picture"]: part["text"] for part in made.get("explored", [])}


def training(lineage: dict[str, Any]) -> dict[str, Any]:
    """Facts about the training: the method and the figures of the stage."""
    record = next(record for record in lineage["stages"] if record["stage"].startswith("train@"))
    params, metrics = record["params"], record.get("figures", {})
    return {"method": params["method"]["name"], "steps": params["steps"], "batch": params["batch"], "metrics": metrics}
