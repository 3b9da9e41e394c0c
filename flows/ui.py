"""Open MLflow's pages of all runs, at tables that answer which training was best.

    python -m flows.ui            start the pages of this checkout's database, on http://127.0.0.1:5000
    python -m flows.ui --links    start nothing; also for the server in MLFLOW_TRACKING_URI

Each address opens a table with its columns chosen: for each dataset the evaluations, best headline first, and for each
stage its runs. The columns of a table are saved in MLflow, as a tag of its experiment. Both commands save the tables
that MLflow lacks, and say how many. MLflow's runners of background jobs stay off: nothing here uses them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from flows.stages.scores import headline_of
from tasks.core.command import told
from tasks.core.dag import stage_names
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT, read
from tasks.runs.figures import SHOWN, shown
from tasks.runs.found import NEWEST
from tasks.runs.links import UI, pages
from tasks.runs.store import connect, experiments, tracking_uri
from tasks.runs.views import VIEW, view_name, view_tag

BEST = "evaluate"


def links(root: Path = ROOT) -> tuple[list[tuple[str, str]], int]:
    """Save the views that MLflow lacks.

    Returns:
        (what a table answers, its address) of each table whose stage has runs; and the number of views that were saved.

    Raises:
        LandloomError: MLflow cannot be reached.
    """
    try:
        client, _ = connect(root)
        found = experiments(client)
        rows: list[tuple[str, str]] = []
        saved = 0
        for room in stage_names(root):
            experiment = found.get(f"landloom/{room}")
            if experiment is None:
                continue
            columns = _columns(client, experiment)
            if room == BEST:
                for dataset in read(root)["datasets"]:
                    lowest = headline_of(root, dataset).get("better", "lower") == "lower"
                    saved += _save(client, experiment, *view_tag(room, columns, dataset, lowest), bool(columns))
                    rows.append((f"best training of {dataset}", _table(experiment, dataset)))
            saved += _save(client, experiment, *view_tag(room, columns), bool(columns))
            rows.append((f"runs of {room}", _table(experiment)))
    except LandloomError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever MLflow's client raises
        raise LandloomError(f"MLflow cannot be reached: {str(error).splitlines()[0]}") from None
    return sorted(rows, key=lambda row: row[0].startswith("runs")), saved


def _columns(client: Any, experiment: str) -> tuple[str, ...]:
    """The numbers that the newest finished run of a stage found worth showing; older versions recorded none."""
    finished = f"attributes.status = 'FINISHED' AND tags.`{SHOWN}` LIKE '_%'"
    found = client.search_runs([experiment], finished, order_by=NEWEST, max_results=1)
    return shown(found[0].data.tags) if found else ()


def _save(client: Any, experiment: str, key: str, value: str, numbers: bool) -> bool:
    """Save a view, unless MLflow has it, or has one and this one shows no numbers; returns whether it was saved."""
    there = client.get_experiment(experiment).tags.get(key)
    if there == value or (there is not None and not numbers):
        return False
    client.set_experiment_tag(experiment, key, value)
    return True


def _table(experiment: str, dataset: str | None = None) -> str:
    return f"{pages()}/#/experiments/{experiment}/runs?{VIEW}={view_name(dataset)}&workflowType=machine_learning"


def command(root: Path = ROOT) -> list[str]:
    """Return the command that serves the pages of the database under `root`: one process, no background jobs."""
    host, port = UI.removeprefix("http://").split(":")
    where = ["--backend-store-uri", tracking_uri(root), "--host", host, "--port", port]
    return [sys.executable, "-m", "mlflow", "ui", *where, "--workers", "1"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.ui", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--links", action="store_true", help="save the tables that MLflow lacks, print the addresses, and start nothing"
    )
    given = parser.parse_args()
    with told():
        found, saved = links()
    if saved:
        print(f"saved the columns of {saved} tables in MLflow, as tags of its experiments")
    if not found:
        print("no stage has run yet: `make demo` runs all of them")
    width = max((len(what) for what, _ in found), default=0)
    for what, where in found:
        print(f"{what:{width}}  {where}")
    if given.links:
        return
    if pages() != UI:
        print(f"the pages are served by {pages()}")
        return
    print(f"starting MLflow's pages on {UI}; Ctrl-C ends them", flush=True)
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    os.execv(sys.executable, command())


if __name__ == "__main__":
    main()
