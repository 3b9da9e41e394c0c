"""The card of a model that comes with the repository, `README.md` in the form that Hugging Face reads.

A header in YAML (licence, tags, datasets, metrics, results), then the text of `card.md.j2`. The evaluation describes
itself (`tasks/evaluate/account.py`), so this file names no metric.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.shipping.finished import Finished
from flows.shipping.weights import Written

ARROWS = {"lower": "smaller is closer", "higher": "larger is better"}
TAGS = {
    "heights": ["terrain", "elevation", "heightmap", "procedural-generation"],
    "painting": ["terrain", "texture", "heightmap", "procedural-generation"],
    "image": ["landscape", "image-generation"],
}


def card(account: Finished, written: Written, weights_sha256: str) -> str:
    """The text of the card, header included."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": _number, "cell": _cell, "stated": _stated}
    config, scores = account.config, account.scores
    text = environment.get_template("card.md.j2").render(
        name=account.dataset,
        config=config,
        method=config["method"],
        training=config.get("training", {}),
        scores=scores,
        headline=_headline(scores),
        distances=_distances(scores),
        groups=_groups(scores),
        data=account.data,
        captioned=account.data.get("captions", {}).get("count", 0),
        train=account.train,
        evaluate=account.evaluate,
        hashes=account.hashes,
        rasters=account.rasters,
        licence=account.licence,
        written=written,
        weights_sha256=weights_sha256,
    )
    return f"---\n{yaml.safe_dump(_header(account), sort_keys=False, allow_unicode=True)}---\n\n{text}"


def _header(account: Finished) -> dict[str, Any]:
    config, scores = account.config, account.scores
    headline = _headline(scores)
    generated = [one["name"] for one in scores["sets"] if one["kind"] == "generated"]
    results = [
        {"type": metric["measure"], "name": metric["title"], "value": round(float(metric["value"]), 4)}
        for metric in scores["metrics"]
        if metric["set"] in generated and metric["measure"]
    ]
    return {
        "license": account.licence,
        "library_name": "landloom",
        "tags": [*TAGS[config["product"]], config["method"]["name"], *config["method"].get("conditions", ())],
        "language": "en",
        "datasets": sorted({_slug(_stated(source)) for source in account.data["sources"]}),
        "metrics": [measure["name"] for measure in scores["measures"]],
        "model-index": [
            {
                "name": f"landloom-{account.dataset}",
                "results": [
                    {
                        "task": {"type": "unconditional-image-generation", "name": f"{config['product']} from a seed"},
                        "dataset": {
                            "type": account.dataset,
                            "name": f"{account.data['counts']['val']:,} tiles held out by place",
                            "split": "val",
                            "revision": scores["held_out"],
                        },
                        "metrics": sorted(results, key=lambda each: each["name"] != headline["title"]),
                    }
                ],
            }
        ],
    }


def _headline(scores: dict[str, Any]) -> dict[str, Any]:
    return next(metric for metric in scores["metrics"] if metric["name"] == scores["headline"])


def _distances(scores: dict[str, Any]) -> dict[str, Any]:
    """Headings and rows of the table: a row for each set of tiles, with the interval of the headline's measure."""
    main = _headline(scores)["measure"]
    measures = sorted(scores["measures"], key=lambda each: each["name"] != main)  # the others keep their order
    cells = {(metric["set"], metric["measure"]): metric for metric in scores["metrics"] if metric["measure"]}
    order = {"floor": 0, "generated": 1, "control": 2}
    rows = []
    for one in sorted(scores["sets"], key=lambda each: order[each["kind"]]):
        found = [cells.get((one["name"], measure["name"])) for measure in measures]
        texts = [_number(metric["value"]) if metric else "–" for metric in found]
        if found[0] and found[0]["low"] is not None:
            texts[0] += f" ({_number(found[0]['low'])} – {_number(found[0]['high'])})"
        kind = "" if one["kind"] == "generated" else f"{one['kind']}: "
        rows.append([f"**{one['title']}**" if not kind else kind + one["title"], *texts])
    return {"headings": [f"{each['title']}, {ARROWS[each['better']]}" for each in measures], "rows": rows}


def _groups(scores: dict[str, Any]) -> list[dict[str, Any]]:
    """Further sections of the evaluation that are not folded away: a table, or a line for each number."""
    found = []
    for group in scores["groups"]:
        numbers = [each for each in scores["metrics"] if each["group"] == group["name"] and not each["measure"]]
        if not group["folded"] and (group["table"] or numbers):
            found.append({**group, "numbers": numbers, "table": _widest_first(group["table"])})
    return found


def _widest_first(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table with the column of the longest texts, which says what a row is, before the others."""
    if not table:
        return table
    first = max(table[0], key=lambda name: sum(len(str(row[name])) for row in table))
    return [{first: row[first], **row} for row in table]


def _number(value: float | None) -> str:
    """Three digits; whole numbers as they are."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _cell(value: Any) -> str:
    """A cell of a Markdown table."""
    text = _number(value) if isinstance(value, int | float) else str(value)
    return " ".join(text.replace("|", "\\|").split())


def _stated(source: dict[str, Any]) -> str:
    """The publisher of a source in the words of its ledger, or its licence where no publisher is stated."""
    attribution = source["attribution"]
    return source["licence"] if attribution in ("", "not stated") else attribution


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")
