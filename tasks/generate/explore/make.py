"""Makes parts of the exploration: for the stage, and for a person's command outside the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.core.products import latent_space
from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.hashing import file_sha256
from tasks.core.settings import ROOT, Strict, validate
from tasks.generate.chosen import choose
from tasks.generate.explore import part as parts
from tasks.generate.explore.part import Shown, Task
from tasks.generate.folders import fill
from tasks.generate.section import section

PLACE, FACTS, SHEET = "drawings", "explore.json", "sheet.png"


def make_part(name: str, settings: Strict, task: Task, folder: Path, origin: dict[str, Any]) -> Shown:
    """Write one part and its facts, `explore.json`, into an empty folder.

    Raises:
        LandloomError: the settings cannot be used with this model; the message names the part.
    """
    record = parts.find(name)
    method = task.model.config["method"]["name"]
    if reason := parts.unsuited([name], task.space.abilities if task.space else (), f"this {method} model"):
        raise LandloomError(f"generate.explore: {reason}")
    try:
        shown = record.make(task, settings, folder)
    except ValueError as error:
        raise LandloomError(f"generate.explore.{name}: {error}") from None
    files = [
        {"name": file, "title": title, "sha256": file_sha256(folder / file)} for file, title in record.files.items()
    ]
    facts = {
        "part": name,
        "title": record.title,
        "text": shown.text,
        "table": shown.table,
        "settings": settings.model_dump(mode="json"),
        "seed": task.seed,
        "files": files,
        **origin,
    }
    write_json(folder / FACTS, facts)
    return shown


def explore(
    dataset: str,
    name: str,
    changes: dict[str, Any],
    out: Path | None,
    seed: int | None,
    root: Path = ROOT,
    model: str | None = None,
) -> Path:
    """Make one part of a dataset's model into a folder; return the folder.

    Args:
        changes: settings that differ from those in params.yaml. out: the folder; None means
            `drawings/<dataset>-<name>`. seed: None means the seed of the parameters.
        model: which model, for `tasks.generate.chosen.choose`.

    Raises:
        LandloomError: the model, the parameters or the settings cannot be used; no files are written.
    """
    params = section(dataset, root)
    record = parts.find(name)
    base = params.explore.get(name, record.settings())
    settings = validate(record.settings, {**base.model_dump(), **changes}, f"generate.explore.{name}")
    chosen = choose(dataset, model, root)
    task = Task(chosen.model, latent_space(chosen.model), params.seed if seed is None else seed, root)

    def write(target: Path) -> None:
        shown = make_part(name, settings, task, target, chosen.origin)
        shown.sheet.savefig(target / SHEET, dpi=110, metadata={"Software": None})

    return fill(out or root / PLACE / f"{dataset}-{name}", write)
