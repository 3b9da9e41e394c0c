"""Pages in the Prefect UI: a table of a flow's stages; for each stage its metrics, a picture and its MLflow run."""

from __future__ import annotations

import base64
import io
import json
import os
import re
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.runs.figures import recorded
from tasks.runs.links import run_page

WIDTH, QUALITY = 640, 80  # pixels and JPEG quality: the page contains the picture, which takes tens of kilobytes


def publish(stage: str, root: Path, outcome: str, seconds: float, log: Any) -> None:
    """Show the outputs of a stage. The stage has ended, so an error here is only a warning."""
    try:
        create_markdown_artifact(
            key=key(stage), markdown=page(stage, root, outcome, seconds), description=f"{stage} {outcome}"
        )
    except Exception as error:  # noqa: BLE001 - see above
        log.warning("%s: nothing to look at in the Prefect UI: %s", stage, error)


def publish_outcomes(outcomes: dict[str, str], root: Path, log: Any, title: str = "How each stage ended") -> None:
    """The flow's table: each stage, how it ended (or would), and the run that made its outputs."""
    rows = [
        {"stage": stage, "outcome": outcome, "run": run_of(stage, root) or ""} for stage, outcome in outcomes.items()
    ]
    try:
        create_table_artifact(key="stages", table=rows, description=title)
    except Exception as error:  # noqa: BLE001 - the stages have ended
        log.warning("no table of stages in the Prefect UI: %s", error)


def key(stage: str) -> str:
    """A name that Prefect allows: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", stage.lower()).strip("-")


def page(stage: str, root: Path, outcome: str, seconds: float) -> str:
    """The stage's page as Markdown."""
    room, _, dataset = stage.partition("@")
    place = root / "data" / dataset
    parts = [f"# {stage}", f"{outcome}, {seconds:.1f} s", run_line(run_of(stage, root))]
    if metrics := recorded(root, dataset, room):
        parts.append(
            "\n".join(["| figure | value |", "|---|---|", *(f"| {k} | {v:.6g} |" for k, v in metrics.items())])
        )
    pictures = sorted((place / "pictures" / room).glob("*.png"))
    if pictures:  # the last name: the newest of numbered pictures
        parts.append(f"![{pictures[-1].stem}]({data_uri(pictures[-1])})")
    return "\n\n".join(part for part in parts if part)


def run_of(stage: str, root: Path) -> str | None:
    """Id of the MLflow run that made the stage's outputs, from its run file."""
    room, _, dataset = stage.partition("@")
    return (_json(root / "data" / dataset / "runs" / f"{room}.json") or {}).get("run_id")


def run_line(run_id: str | None) -> str:
    """A link to the page of the run, and the command that opens the pages where MLflow is no server."""
    if run_id is None:
        return ""
    server = os.environ.get("MLFLOW_TRACKING_URI", "").startswith("http")
    return f"[MLflow run {run_id}]({run_page(run_id)})" + ("" if server else " (`make ui` opens the pages)")


def data_uri(path: Path) -> str:
    """The picture, scaled down, as a `data:` address: the Prefect UI cannot store files."""
    from PIL import Image

    with Image.open(path) as picture:
        picture = picture.convert("RGB")
        picture.thumbnail((WIDTH, 4 * WIDTH))
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _json(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
