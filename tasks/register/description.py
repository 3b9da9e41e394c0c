"""The description of a model version in MLflow: its figures beside floors and controls, its samples, and every run."""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import quote

import pandas as pd

from tasks.formats.tables.ledger import TERMS, by_terms
from tasks.register.evaluation import Evaluation
from tasks.register.registry import Known
from tasks.register.run_files import RunFile
from tasks.runs.links import run_link, run_row

COLUMNS = ["key", "url", "licence", "attribution", "source", "layer", "sha256", "bytes", "procedural", "refused"]
FIRST = 3  # largest number of URLs shown for each set of terms; the table of the run has all URLs
LIMIT = 5000  # characters; the maximum of the column in MLflow's database
SAMPLES = "pictures"  # folder of the register run's artifacts with the pictures of the samples


def describe(
    name: str,
    version: str,
    files: list[RunFile],
    evaluation: Evaluation,
    pictures: list[str],
    sources: list[dict[str, Any]],
    ledger: pd.DataFrame,
    known: Known,
) -> str:
    """The description of a model version, as Markdown.

    Args:
        files: the run files, first stage first. sources: the ledger's rows by their terms.
        pictures: file names of the pictures of the samples, attached to the run of `register` under `SAMPLES`.
        known: the runs that MLflow has. The run of `register` has the table of sources, too.
    """
    this = shlex.quote(f"models:/{name}/{version}")
    end = [
        "",
        f"Every source with its URL and hash: `lineage/sources.csv` of the run {run_link(known.mine)}.",
        "",
        f"    python -m flows.lineage {this}",
        f"    python -m flows.reproduce {this}",
    ]
    lines = [*_figures(evaluation), "", *(_picture(each, known.mine) for each in pictures), ""]
    lines += ["What this model was made from, the last step first.", ""]
    lines += ["| stage | run | commit | made | hash (DVC) |", "|---|---|---|---|---|"]
    for file in reversed(files):
        commit = (file.facts["commit"] or "unknown")[:10] + (" and changes" if file.facts["dirty"] else "")
        row = run_row(file.key, known.runs.get(file.stage), file.facts["run_id"])
        lines += [f"{row} {commit} | {path} | {digest} |" for path, digest in file.main.items()]
    lines += ["", "| rasters | licence | attribution | from |", "|---|---|---|---|"]
    rows = [_terms(terms, ledger) for terms in sorted(sources, key=lambda terms: -terms["rasters"])]
    for number, row in enumerate(rows):
        more = f"| {len(rows) - number} more sets of terms | | | |"
        if len("\n".join([*lines, row, more, *end])) > LIMIT:
            lines.append(more)
            break
        lines.append(row)
    return "\n".join([*lines, *end])[:LIMIT]


def _figures(evaluation: Evaluation) -> list[str]:
    """The headline as a sentence, then a table: rows are sets (model, floor, control), columns are measures."""
    headline, values = evaluation.headline, evaluation.values
    within = "" if headline.get("low") is None else f", 95 % of draws {headline['low']:.3g} to {headline['high']:.3g}"
    floor = "" if headline.get("floor") is None else f"; real tiles score {headline['floor']:.3g}"
    better = f"{headline['better'].capitalize()} is better."
    lines = [f"**{headline['title']}: {headline['value']:.4g}**{within}{floor}. {better}", ""]
    columns = [measure for measure in evaluation.measures if _measured(measure, evaluation)]
    titles = [f"{measure['title']} ({measure['better']})" for measure in columns]
    lines += ["| | | " + " | ".join(titles) + " |", "|---|---|" + "---|" * len(columns)]
    for each in evaluation.sets:
        cells = [values.get(f"{measure['name']}/{each['name']}") for measure in columns]
        shown = ["" if value is None else f"{value:.3g}" for value in cells]
        lines.append(f"| {each['kind']} | {_cell(each['title'])} | " + " | ".join(shown) + " |")
    return lines


def _measured(measure: dict[str, Any], evaluation: Evaluation) -> bool:
    return any(metric["measure"] == measure["name"] for metric in evaluation.metrics)


def _picture(name: str, run_id: str) -> str:
    """A picture of the samples. The address is relative to MLflow's pages, as that of a link."""
    path = quote(f"{SAMPLES}/{name}", safe="")
    return f"![{name.rpartition('.')[0]}](get-artifact?path={path}&run_uuid={run_id})"


def _terms(terms: dict[str, Any], ledger: pd.DataFrame) -> str:
    rows = next(rows for values, rows in by_terms(ledger) if all(terms[name] == values[name] for name in TERMS))
    taken = rows[rows["refused"].isna()]
    names = [row.url if isinstance(row.url, str) else row.key for row in taken.itertuples()]
    shown = ", ".join(names[:FIRST]) + (f" and {len(names) - FIRST} more" if len(names) > FIRST else "")
    kind = f"{terms['rasters']} from {terms['source']}" + (", computed, not measured" if terms["procedural"] else "")
    return "| " + " | ".join(_cell(cell) for cell in (kind, terms["licence"], terms["attribution"], shown)) + " |"


def _cell(text: Any) -> str:
    return str(text).replace("|", "/").replace("\n", " ")[:300]
