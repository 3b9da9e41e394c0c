"""What a run is called in MLflow, and what is said of it there, so that two of them can be told apart at a glance.

A run bears its stage's name and what it changed against the committed parameters, its own and those of the
stages before it: `train@terrain lr=0.002`, and then `evaluate@terrain train.lr=0.002`.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.core.dag import StageEntry, upstream
from tasks.core.settings import PARAMS
from tasks.runs.carried import carried
from tasks.runs.parameters import resolved

SCALES = "infra/scales"
_SHOWN, _LONGEST = 4, 120  # changes and characters in a name
_FIGURES = 16  # in a description
Flat = dict[str, Any]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there


@dataclass(frozen=True)
class Title:
    """What tells one run from another.

    Attributes:
        key: `train@terrain`.
        commit: the commit that the code came from.
        method: of the stage, where it has several.
        scale: the overlay of infra/scales that the parameters come closest to; `own` where they are far from all.
        changed: (name, committed value, value) of every parameter that differs from the committed file; names
            of stages upstream start with the stage: `select.quota`.
        before: every parameter of the stages upstream, `train/lr`: what a table or a plot over the runs of this
            stage can be ordered by.
    """

    key: str
    commit: str | None
    method: str | None
    scale: str
    changed: tuple[tuple[str, Any, Any], ...]
    before: Flat

    @property
    def name(self) -> str:
        """`train@terrain lr=0.002 steps=200`: the stage alone where nothing is changed."""
        shown = [f"{name}={_short(value)}" for name, _, value in self.changed[:_SHOWN]]
        more = [f"+{len(self.changed) - _SHOWN} more"] if len(self.changed) > _SHOWN else []
        name = " ".join([self.key, *shown, *more])
        return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"

    def tags(self) -> dict[str, str]:
        """Columns for MLflow's table of runs."""
        changed = ", ".join(f"{name}={_short(value)}" for name, _, value in self.changed)
        tags = {"commit": (self.commit or "none")[:8], "scale": self.scale, "changed": changed[:5000] or "nothing"}
        return tags | ({"method": self.method} if self.method else {})

    def note(self, run_id: str | None, figures: dict[str, float], inputs: dict[str, str]) -> str:
        """The run's description, in markdown: what it is, what it changed, made from what, and its figures."""
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
    """Compare `params.yaml` with the committed one and with the scales."""
    here = yaml.load((root / PARAMS).read_text(), _Loader)
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
    """The parameter file of the checked-out commit, or of what a DVC experiment started from; None without git."""
    try:
        text = committed_text(root)
        return None if text is None else yaml.load(text, _Loader)
    except yaml.YAMLError:
        return None


def committed_text(root: Path) -> str | None:
    """The text of that file."""
    if bundle := carried(root):
        return bundle.params
    revision = os.environ.get("DVC_EXP_BASELINE_REV") or "HEAD"
    try:
        done = subprocess.run(["git", "show", f"{revision}:./{PARAMS}"], cwd=root, capture_output=True, timeout=60)
        return done.stdout.decode() if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None


def _changed(rooms: dict[str, Flat], seed: Any, there: Any, entry: StageEntry) -> list[tuple[str, Any, Any]]:
    """Own parameters first, then those of the stages before, then the seed. A dataset that is new changes nothing.

    `rooms` and what is compared with them are resolved: a value that equals its default is unchanged, whether or not
    it is written down.
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
    """The stage's method, where it has several: `method: fast` or `method: {name: fast, …}`."""
    method = values.get("method")
    name = method.get("name") if isinstance(method, dict) else method
    return name if isinstance(name, str) else None


def _scale(sections: dict[str, Any], dataset: str, root: Path) -> str:
    """The overlay most of whose values are the dataset's; a few changes on top of a scale leave it that scale."""
    values = flatten({name: resolved(section or {}, name) for name, section in sections.items()})
    best, share = "own", 0.7
    for path in sorted((root / SCALES).glob("*.yaml")):
        overlay = yaml.load(path.read_text(), _Loader) or {}
        leaves = flatten((overlay.get("datasets") or {}).get(dataset) or {})
        same = sum(values.get(key) == value for key, value in leaves.items()) / max(1, len(leaves))
        if same > share:
            best, share = path.stem, same
    return best


def flatten(values: dict[str, Any], prefix: str = "") -> Flat:
    """`{a: {b: 1}}` as `{a.b: 1}`."""
    flat: Flat = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _short(value: Any) -> str:
    """A value as it fits a name: `0.002`, `[1,2,2]`, `null`."""
    if isinstance(value, float):
        return f"{value:g}"
    text = "null" if value is None else str(value).replace(" ", "")
    return text if len(text) <= 24 else f"{text[:23]}…"
