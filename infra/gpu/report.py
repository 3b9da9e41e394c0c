"""The tables of a check, as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.bundles.machine import told
from infra.gpu.work import Row, noted

WAITING = 0.02


def write(out: Path, parts: Mapping[str, str], hardware: dict[str, object], began: str, asked: float) -> None:
    """Write `check.json` and `check.md` from the rows in `out`.

    Args:
        parts: from the name of each part to how it ended. began: the date. asked: the given minutes.
    """
    rows = {part: noted(out / f"{part}.jsonl") for part in parts}
    facts = {"began": began, "minutes": asked, "hardware": hardware, "parts": dict(parts), "rows": rows}
    (out / "check.json").write_text(json.dumps(facts, indent=1) + "\n")
    lines = [f"# Check of {', '.join(map(str, hardware.get('gpus') or ['a machine without a GPU']))}", ""]
    lines += [f"{told(hardware)}; {began}, {asked:g} minutes.", ""]
    lines += [f"Part {part}: {how}." for part, how in parts.items() if how != "done"]
    lines += ["", "## Numbers", "", "| check | found | tolerance | within |", "|---|---|---|---|"]
    lines += [_agreement(row) for row in rows.get("agreement", [])]
    lines += ["", "## Speed", "", "| settings | steps/s | tiles/s | waiting | peak GiB | against the best before |"]
    lines += ["|---|---|---|---|---|---|", *(_speed(row) for row in rows.get("speed", []) if row["name"] != "best")]
    best = [row for row in rows.get("speed", []) if row["name"] == "best"]
    if best:
        chosen = best[-1]["changes"]
        lines += ["", f"Best: `precision: {chosen.get('precision')}`, `speed: {json.dumps(chosen.get('speed', {}))}`."]
    lines += ["", "## Training", ""]
    lines += [f"- {row['name']}: {_facts(row)}" for row in rows.get("training", [])]
    pictures = sorted((out / "pictures").glob("*.png"))
    lines += ["", *(f"![{path.stem}](pictures/{path.name})" for path in pictures)]
    (out / "check.md").write_text("\n".join(lines) + "\n")


def _agreement(row: Row) -> str:
    if "problem" in row:
        return f"| {row['name']} | {_cell(row['problem'])} | | no |"
    if "found" not in row:
        return f"| {row['name']} | {row['gib']:.2f} GiB | | |"
    more = f" (gradients turned by {row['gradients']:.2g})" if "gradients" in row else ""
    within = "yes" if row["within"] else "**no**"
    return f"| {row['name']} | {row['found']:.2g}{more} | {row['tolerance']:.2g} | {within} |"


def _speed(row: Row) -> str:
    if "problem" in row:
        return f"| {row['name']} | {_cell(row['problem'])} | | | | |"
    if "steps_per_second" not in row:
        return f"| {row['name']} | | {row['tiles_per_second']:,.0f} | | | |"
    late = " (above 2 %)" if row["waiting_share"] > WAITING else ""
    gain = f"{row['against_best']:.2f}×{', kept' if row['kept'] else ''}" if "against_best" in row else ""
    return (
        f"| {row['name']} | {row['steps_per_second']:.2f} | {row['tiles_per_second']:,.0f} | "
        f"{100 * row['waiting_share']:.2f} %{late} | {row['peak_gib']:.2f} | {gain} |"
    )


def _facts(row: Row) -> str:
    shown: dict[str, Any] = {name: value for name, value in row.items() if name != "name"}
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in shown.items()
    )


def _cell(text: str) -> str:
    return text.replace("|", "/")
