"""Steered samples for a person, outside the pipeline: no stage, no run, no files that DVC tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT
from tasks.generate import export
from tasks.generate.chosen import choose
from tasks.generate.folders import fill
from tasks.generate.product import product_of
from tasks.generate.section import section
from tasks.generate.steering import kind as kinds
from tasks.generate.steering.kind import Given
from tasks.generate.steering.palette import write_palette
from tasks.generate.steering.rows import rows, stem_of
from tasks.generate.steering.sheet import sheet
from tasks.generate.write_sample import show_exports, write_sample

PLACE = "drawings"


@dataclass(frozen=True)
class Wish:
    """What a person asks of a model.

    Attributes:
        given: kind (`tasks.generate.steering.kind`) to its values, as the command got them; {} asks for nothing.
        also: further options of the kinds, as `mask`.
        count: samples of each row. seed, guidance, steps: None and () mean those of the parameters.
        model: which model, for `tasks.generate.chosen.choose`.
    """

    given: Mapping[str, Sequence[str]]
    also: Mapping[str, str | None]
    count: int = 1
    seed: int | None = None
    guidance: Sequence[float] = ()
    steps: int | None = None
    model: str | None = None


def steer(dataset: str, wish: Wish, out: Path | None = None, root: Path = ROOT) -> Path:
    """Make what is wished with a model, in all exports, into a folder; return the folder.

    Args:
        out: the folder; None means `drawings/<name of the first text or file>`, or `drawings/noise`.

    Raises:
        LandloomError: the wish, the model or the parameters cannot be used; no files are written.
    """
    params, chosen = section(dataset, root), choose(dataset, wish.model, root)
    model, product, folder = chosen.model, chosen.product, chosen.folder
    params = params if wish.steps is None else params.model_copy(update={"steps": wish.steps})
    for name in wish.given:
        kinds.check(name, model, folder)
    if product.steer is None:
        raise LandloomError(f"{folder}: nothing here steers a model of {product_of(model)}")
    export.check(params.exports, product_of(model))
    given = {name: [_read(name, model, value, wish) for value in values] for name, values in wish.given.items()}
    for note in dict.fromkeys(note for values in given.values() for each in values for note in each.notes):
        print(f"[generate@{dataset}] {note}")
    conditions = {name: kinds.find(name).condition for name in given}
    strengths = list(wish.guidance) or [params.guidance]
    seed = params.seed if wish.seed is None else wish.seed
    wanted = rows(given, conditions, strengths, wish.count, seed)
    made = [(row, product.steer(model, row, params, chosen.origin)) for row in wanted]
    if not any(kinds.find(name).exact for name in given):
        made = [(row, [product.refine(params, each) for each in part]) for row, part in made]
    elif params.drain:
        print(f"[generate@{dataset}] given heights are kept, so nothing is drained")
    samples = [sample for _, part in made for sample in part]

    def write(target: Path) -> None:
        ordered, shared = product.shared(params, samples)
        for sample in ordered:
            write_sample(target, sample, params, shared)
        all_given = [(name, each) for name, values in given.items() for each in values]
        hole = next((each.hole for _, each in all_given if each.hole is not None), None)
        if len(samples) == 1 and hole is None:
            figure = product.sheet(samples, 1)
        else:
            pictures = [(name, each.picture) for name, each in all_given if each.picture is not None]
            lines = [(row.title, [(product.line(one), one.preview()) for one in part]) for row, part in made]
            figure = sheet(lines, pictures, hole)
        figure.savefig(target / "overview.png", dpi=110, metadata={"Software": None})
        show_exports(target, samples[0].name, params)

    return fill(out or root / PLACE / stem_of(given), write)


def give_palette(dataset: str, out: Path | None, root: Path = ROOT, model: str | None = None) -> Path:
    """Write the colours to draw with and a blank drawing, of each kind of drawing that the model takes; return it.

    A model that takes several kinds of drawings gets a folder for each, named after the option.
    """
    section(dataset, root)
    chosen = choose(dataset, model, root)
    opened = chosen.model
    drawn = {name: kinds.find(name) for name in kinds.names() if kinds.find(name).colors is not None}
    taken = {name: each.colors(opened) for name, each in drawn.items() if each.condition in opened.conditions}
    if not taken:
        kinds.check(next(iter(drawn)), opened, chosen.folder)

    def write(target: Path) -> None:
        for name, colors in taken.items():
            place = target / name if len(taken) > 1 else target
            place.mkdir(exist_ok=True)
            write_palette(place, colors, opened.px, f"Landloom {dataset}, --{name}")

    return fill(out or root / PLACE / f"palette-{dataset}", write)


def _read(name: str, model: object, value: str, wish: Wish) -> Given:
    record = kinds.find(name)
    return record.read(model, value, {option: wish.also.get(option) for option in record.also})
