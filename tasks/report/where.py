"""The message after a complete pipeline: the places of the results, and the first change to try."""

from __future__ import annotations

from pathlib import Path

from tasks.core.settings import ROOT, read, rooms


def where(root: Path = ROOT) -> str:
    """The report of each dataset that has one, the MLflow pages, and the first change to try."""
    datasets = read(root)["datasets"]
    pages = {name: root / "data" / name / "report" / "index.html" for name in datasets}
    found = [f"  {name:12} {page.as_uri()}" for name, page in pages.items() if page.exists()]
    name = next(iter(datasets))
    seed = rooms(datasets, name, root)["generate"].seed
    lines = [
        "",
        "Reports, to open in a browser",
        *(found or ["  none yet; `dvc repro` makes them"]),
        "",
        "Every run with its parameters, figures and pictures, and the model versions",
        "  make ui       then open http://127.0.0.1:5000",
        "",
        "Change one number, and run what follows from it",
        f"  in params.yaml, datasets.{name}.generate.seed: {seed} → {seed + 1}, then `dvc repro`: other samples in a",
        "  minute; only generate, register and report run. `dvc params diff` shows what differs from the last commit.",
        "",
    ]
    return "\n".join(lines)
