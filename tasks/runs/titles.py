"""Names and descriptions of runs in MLflow, which make two runs easy to distinguish.

The name of a run holds the name of its stage and the parameters that differ from the committed ones. Parameters of
upstream stages count too: `train@terrain lr=0.002`, and then `evaluate@terrain train.lr=0.002`.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.core import yaml12
from tasks.core.dag import StageEntry, upstream
from tasks.core.settings import PARAMS
from tasks.runs.carried import carried
from tasks.runs.git import run_git
from tasks.runs.parameters import resolved

SCALES = "infra/scales"
_SHOWN, _LONGEST = 4, 120  # most changes and most characters in a name
_FIGURES = 16  # most metrics in a description
Flat = dict[str, Any]


@dataclass(frozen=True)
class Title:
    """The facts that distinguish one run from another.

    Attributes:
        key: stage and dataset, such as `train@terrain`.
        commit: the commit of the code, or None if it is unknown.
        method: the method of the stage, or None if the stage has only one.
        scale: the overlay of infra/scales that is closest to the parameters, or `own` if none is close.
        changed: (name, committed value, value) of each parameter that differs from the committed file. Names of
            parameters of upstream stages start with the stage: `select.quota`.
        before: all parameters of the upstream stages, such as `train/lr`. MLflow can sort and plot runs by them.
    """

    key: str
    commit: str | None
    method: str | None
    scale: str
    changed: tuple[tuple[str, Any, Any], ...]
    before: Flat

    @property
    def name(self) -> str:
        """The name of the run: `train@terrain lr=0.002 steps=200`, or only the stage if nothing is changed."""
        shown = [f"{name}={_short(value)}" for name, _, value in self.changed[:_SHOWN]]
        more = [f"+{len(self.changed) - _SHOWN} more"] if len(self.changed) > _SHOWN else []
        name = " ".join([self.key, *shown, *more])
        return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"

    def tags(self) -> dict[str, str]:
        """Return tags, which are columns of MLflow's table of runs."""
        changed = ", ".join(f"{name}={_short(value)}" for name, _, value in self.changed)
        tags = {"commit": (self.commit or "none")[:8], "scale": self.scale, "changed": changed[:5000] or "nothing"}
        return tags | ({"method": self.method} if self.method else {})

    def note(self, run_id: str | None, figures: dict[str, float], inputs: dict[str, str]) -> str:
        """Return the description of the run in Markdown: stage, changed parameters, metrics, inputs."""
        method = f", method {self.method}" if self.method else ""
        lines = [f"**{self.key}**{method}, scale {self.scale}, commit `{(self.commit or 'none')[:8]}`", ""]
        if self.changed:
            lines += ["| changed | committed | here |", "|---|---|---|"]
            lines += [f"| {name} | {_short(old)} | {_short(new)} |" for name, old, new in self.changed] + [""]
        if figures:
            lines += ["| figure | |", "|---|---|"]
            lines += [f"| {name} | {value:.5g} |" for name, value in list(figures.items())[:_FIGURES]] + [""]
        data = [f"`{path}` ({digest[:8]})" for path, digest in inputs.items() if path.startswith("data/")]
        lines += [f"Made from {', '.join(data)}.", ""] if data else []
        if run_id:
            lines += [f"Everything behind it, by hash: `python -m flows.reproduce {run_id}`"]
        return "\n".join(lines)


def title(entry: StageEntry, root: Path, commit: str | None) -> Title:
    """Compare `params.yaml` with the committed version and with the scales."""
    here = yaml12.load((root / PARAMS).read_text())
    sections = here["datasets"][entry.dataset]
    before = upstream(entry, root)
    rooms = {name: resolved(sections.get(name) or {}, name) for name in [entry.name, *before]}
    return Title(
        key=os.environ.get("DVC_STAGE") or entry.key,
        commit=commit,
        method=_method(rooms[entry.name]),
        scale=_scale(sections, entry.dataset, root),
        changed=tuple(_changed(rooms, here.get("seed"), _committed(root), entry)),
        before={f"{name}/{key}": value for name in before for key, value in flatten(rooms[name]).items()},
    )


def _committed(root: Path) -> Any:
    """Return the values of the committed parameter file, or None if it is unknown or not valid YAML."""
    try:
        text = committed_text(root)
        return None if text is None else yaml12.load(text)
    except yaml.YAMLError:
        return None


def committed_text(root: Path) -> str | None:
    """Return the text of the committed parameter file, or None without git.

    In a DVC experiment, the commit is the baseline of the experiment. In a bundle, it is the commit of its origin.
    """
    if bundle := carried(root):
        return bundle.params
    revision = os.environ.get("DVC_EXP_BASELINE_REV") or "HEAD"
    try:
        done = run_git(root, "show", f"{revision}:./{PARAMS}", timeout=60)
        return done.stdout.decode() if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None


def _changed(rooms: dict[str, Flat], seed: Any, there: Any, entry: StageEntry) -> list[tuple[str, Any, Any]]:
    """Return the changed parameters: those of the stage first, then those of upstream stages, then the seed.

    A new dataset has no changed parameters. Both sides of the comparison have their defaults filled in, so a value
    that equals its default counts as unchanged, in the file or not.
    """
    if not isinstance(there, dict) or entry.dataset not in (there.get("datasets") or {}):
        return []
    found = []
    for name, values in rooms.items():
        old = flatten(resolved(there["datasets"][entry.dataset].get(name) or {}, name))
        prefix = "" if name == entry.name else f"{name}."
        found += [
            (prefix + key, old.get(key), value) for key, value in flatten(values).items() if old.get(key) != value
        ]
    if seed != there.get("seed"):
        found.append(("seed", there.get("seed"), seed))
    return found


def _method(values: Flat) -> str | None:
    """Return the name of the method, from `method: fast` or `method: {name: fast, …}`; None if there is no such key."""
    method = values.get("method")
    name = method.get("name") if isinstance(method, dict) else method
    return name if isinstance(name, str) else None


def _scale(sections: dict[str, Any], dataset: str, root: Path) -> str:
    """Return the scale that shares the largest part of its values with the dataset, at least 70 %; else `own`."""
    values = flatten({name: resolved(section or {}, name) for name, section in sections.items()})
    best, share = "own", 0.7
    for path in sorted((root / SCALES).glob("*.yaml")):
        overlay = yaml12.load(path.read_text()) or {}
        leaves = flatten((overlay.get("datasets") or {}).get(dataset) or {})
        same = sum(values.get(key) == value for key, value in leaves.items()) / max(1, len(leaves))
        if same > share:
            best, share = path.stem, same
    return best


def flatten(values: dict[str, Any], prefix: str = "") -> Flat:
    """Return nested mappings as one mapping with dotted names: `{a: {b: 1}}` becomes `{a.b: 1}`."""
    flat: Flat = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _short(value: Any) -> str:
    """Return a value as short text: `0.002`, `[1,2,2]`, `null`."""
    if isinstance(value, float):
        return f"{value:g}"
    text = "null" if value is None else str(value).replace(" ", "")
    return text if len(text) <= 24 else f"{text[:23]}…"
