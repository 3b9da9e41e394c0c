"""The description of a model version in MLflow: a table of every run from sources to samples, with links."""

from __future__ import annotations

import shlex
from typing import Any

import pandas as pd

from tasks.formats.tables.ledger import TERMS, by_terms

COLUMNS = ["key", "url", "licence", "attribution", "source", "layer", "sha256", "bytes", "procedural", "refused"]
FIRST = 3  # largest number of URLs shown for each set of terms; the table of the run has all URLs
LIMIT = 5000  # characters; the maximum of the column in MLflow's database


def describe(
    name: str,
    version: str,
    records: list[dict[str, Any]],
    sources: list[dict[str, Any]],
    ledger: pd.DataFrame,
    run: tuple[str, str],
) -> str:
    """The description of a model version, as Markdown.

    Args:
        records: the run files, first stage first. sources: the ledger's rows by their terms.
        run: the id of the register run, which has the table of sources.
    """
    this = shlex.quote(f"models:/{name}/{version}")
    end = [
        "",
        f"Every source with its URL and hash: `lineage/sources.csv` of the run {_link(run)}.",
        "",
        f"    python -m flows.lineage {this}",
        f"    python -m flows.reproduce {this}",
    ]
    lines = ["What this model was made from, the last step first.", ""]
    lines += ["| stage | run | commit | made | hash (DVC) |", "|---|---|---|---|---|"]
    for record in reversed(records):
        commit = (record["commit"] or "unknown")[:10] + (" and changes" if record["dirty"] else "")
        link = _link(record["run_id"])
        lines += [
            f"| {record['stage']} | {link} | {commit} | {path} | {digest} |" for path, digest in _main(record).items()
        ]
    lines += ["", "| rasters | licence | attribution | from |", "|---|---|---|---|"]
    rows = [_terms(terms, ledger) for terms in sorted(sources, key=lambda terms: -terms["rasters"])]
    for number, row in enumerate(rows):
        more = f"| {len(rows) - number} more sets of terms | | | |"
        if len("\n".join([*lines, row, more, *end])) > LIMIT:
            lines.append(more)
            break
        lines.append(row)
    return "\n".join([*lines, *end])[:LIMIT]


def _main(record: dict[str, Any]) -> dict[str, str]:
    """The outputs of a stage that later stages read, without its pictures and figures."""
    return {path: md5 for path, md5 in record["outs"].items() if "/pictures/" not in path and "/metrics/" not in path}


def _link(run_id: str | None) -> str:
    """A relative link within MLflow's pages. It works under every server address."""
    return f"[{run_id[:8]}](#/runs/{run_id})" if run_id else "not in MLflow"


def _terms(terms: dict[str, Any], ledger: pd.DataFrame) -> str:
    rows = next(rows for values, rows in by_terms(ledger) if all(terms[name] == values[name] for name in TERMS))
    taken = rows[rows["refused"].isna()]
    names = [row.url if isinstance(row.url, str) else row.key for row in taken.itertuples()]
    shown = ", ".join(names[:FIRST]) + (f" and {len(names) - FIRST} more" if len(names) > FIRST else "")
    kind = f"{terms['rasters']} from {terms['source']}" + (", computed, not measured" if terms["procedural"] else "")
    cells = (kind, terms["licence"], terms["attribution"], shown)
    return "| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ")[:300] for cell in cells) + " |"
