"""Addresses of MLflow's pages, and the row of a run in the description of a model version."""

from __future__ import annotations

import os
import re

UI = "http://127.0.0.1:5000"  # where `make ui` opens MLflow's pages
_ABSENT = "not in"


def pages() -> str:
    """Return the address of MLflow's pages: its server without credentials, or where `make ui` opens them."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    return re.sub(r"//[^/@]*@", "//", uri).rstrip("/") if uri.startswith("http") else UI


def run_page(run_id: str) -> str:
    """Return the address of the page of a run."""
    return f"{pages()}/#/runs/{run_id}"


def local_page(run_id: str) -> str:
    """Return the address of the page of a run as `make ui` opens it: the same text on every machine, for outputs."""
    return f"{UI}/#/runs/{run_id}"


def run_link(run_id: str) -> str:
    """Return a Markdown link to a run within MLflow's pages. It is relative, so it works under every address."""
    return f"[{run_id[:8]}](#/runs/{run_id})"


def run_row(stage: str, known: str | None, recorded: str | None) -> str:
    """Return the first cells of the row of a stage (`train@terrain`) in a table of runs: the stage, and its run.

    Args:
        known: the id of the run in this MLflow, or None.
        recorded: the id in the run file, which may be that of another store, or None.
    """
    absent = f"{recorded[:8]}, {_ABSENT} this MLflow" if recorded else f"{_ABSENT} MLflow"
    return f"| {stage} | {absent if known is None else run_link(known)} |"


def with_run(description: str, stage: str, run_id: str) -> str:
    """Return a description in which the row of the stage names a run that arrived after the row was written."""
    absent = rf"\| {re.escape(stage)} \| [^|]*{_ABSENT} [^|]*\|"
    return re.sub(absent, lambda _: run_row(stage, run_id, None), description)
