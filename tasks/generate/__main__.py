"""`python -m tasks.generate <dataset>`, the stage; with another option, files for a person outside the pipeline."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from tasks.core import yaml12
from tasks.core.errors import LandloomError
from tasks.generate.chosen import PRETRAINED
from tasks.generate.explore import part as parts
from tasks.generate.params import STRONGEST, Params
from tasks.generate.run import run
from tasks.generate.steering import kind as kinds
from tasks.generate.world import command as worlds
from tasks.runs.execute import main

PROG = "python -m tasks.generate"


def command(arguments: list[str] | None = None) -> None:
    """Run the stage, or make what a person asks for: steered samples, or a part of the latent space."""
    parser = _parser()
    given = parser.parse_args(arguments)
    part = next((name for name in parts.names() if getattr(given, name) is not None), None)
    wished = {name: values for name in kinds.names() if (values := getattr(given, name))}
    _check_guidance(parser, given.guidance, "text" in wished or given.text_map is not None)
    world = worlds.asked(parser, given)
    if not world:
        _consistent(parser, given, part, wished)
    if not (world or wished or given.palette or part or given.model):
        main("generate", Params, run)
        return
    from tasks.generate.explore.make import explore
    from tasks.generate.steering.make import Wish, give_palette, steer

    try:
        if world:
            folder = worlds.make(given)
        elif part is not None:
            try:
                changes = parts.find(part).given(getattr(given, part)) | dict(map(_setting, given.set))
            except ValueError as error:
                parser.error(str(error))
            folder = explore(given.dataset, part, changes, given.out, given.seed, model=given.model)
        elif given.palette:
            folder = give_palette(given.dataset, given.out, model=given.model)
        else:
            also = {option: getattr(given, option) for name in kinds.names() for option in kinds.find(name).also}
            wish = Wish(wished, also, given.count or 1, given.seed, given.guidance or (), given.steps, given.model)
            folder = steer(given.dataset, wish, given.out)
    except LandloomError as error:
        print(f"generate@{given.dataset}: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"[generate@{given.dataset}] {folder}")


def _parser() -> argparse.ArgumentParser:
    """The command line. Kinds of steering and parts of the latent space bring their own options."""
    parser = argparse.ArgumentParser(prog=PROG, usage=f"{PROG} DATASET [options]", description=__doc__)
    parser.add_argument("dataset", metavar="DATASET", help="a key of `datasets` in params.yaml")
    steering = parser.add_argument_group("samples that follow what you give; any of these together")
    for name in kinds.names():
        kind = kinds.find(name)
        steering.add_argument(f"--{name}", metavar=kind.metavar, action="append", help=kind.help)
        for option, (metavar, words) in kind.also.items():
            steering.add_argument(f"--{option}", metavar=metavar, help=words)
    steering.add_argument("--count", type=int, help="samples of each row; 1 unless given")
    steering.add_argument("--guidance", type=float, nargs="+", metavar="STRENGTH", help="1 or more; each is a row")
    steering.add_argument("--steps", type=int, help="another number of network evaluations than the parameters'")
    worlds.add(parser)
    what = parser.add_argument_group("or one of these").add_mutually_exclusive_group()
    what.add_argument("--palette", action="store_true", help="write the colours to draw with, and a blank drawing")
    for name in parts.names():
        part = parts.find(name)
        takes: dict[str, Any] = {"metavar": part.argument} if part.argument else {"action": "store_const", "const": ""}
        what.add_argument(f"--{name}", **takes, help=part.help)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help=f"`{PRETRAINED}`: the model that comes with the repository; or the folder of a model; the dataset's own "
        "trained model unless given",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to; a folder of drawings/ unless given")
    parser.add_argument("--seed", type=int, help="another seed than the parameters'")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another setting than the parameters', of a part of the latent space; may be repeated",
    )
    return parser


def _consistent(parser: argparse.ArgumentParser, given: Any, part: str | None, wished: dict[str, list[str]]) -> None:
    """End the command if its options do not fit each other."""
    other = "palette" if given.palette else part
    if wished and other:
        parser.error(f"--{next(iter(wished))} is not allowed with --{other}")
    for name in kinds.names():
        kind = kinds.find(name)
        if len(wished.get(name, [])) > 1 and not kind.many:
            parser.error(f"--{name} may be given once")
        for option in kind.also:
            if getattr(given, option) is not None and name not in wished:
                parser.error(f"--{option} goes with --{name}")
    steered = wished or (given.model and not other)
    for option in ("count", "steps"):
        if getattr(given, option) is not None and not steered:
            options = kinds.join([*(f"--{name}" for name in kinds.names()), "--model"])
            parser.error(f"--{option} goes with {options}; the stage has the parameters'")
    if not (steered or part) and given.seed is not None:
        parser.error(
            "--seed goes with what steers samples or a part of the latent space; the stage has the parameters'"
        )
    if not (steered or other) and given.out:
        parser.error("--out goes with another option: the stage itself writes data/<dataset>/samples")
    if given.set and part is None:
        parser.error("--set goes with a part of the latent space")
    if given.seed is not None and not 0 <= given.seed < 2**31:
        parser.error("--seed: a number from 0 to 2147483647")
    for option in ("count", "steps"):
        if getattr(given, option) is not None and getattr(given, option) < 1:
            parser.error(f"--{option}: a number from 1")


def _check_guidance(parser: argparse.ArgumentParser, guidance: list[float] | None, worded: bool) -> None:
    """End the command if the strengths of guidance are out of range, or if there are no words to guide by."""
    if guidance is not None and not worded:
        parser.error("--guidance goes with --text: it is the strength of words")
    if guidance and not all(1 <= strength <= STRONGEST for strength in guidance):
        parser.error(f"--guidance: numbers from 1 to {STRONGEST}")


def _setting(text: str) -> tuple[str, Any]:
    """`key=value`, the value in YAML as in `params.yaml`."""
    key, sign, value = text.partition("=")
    try:
        if not sign:
            raise ValueError
        return key, yaml12.load(value)
    except (ValueError, yaml.YAMLError):
        raise ValueError(f"--set {text}: must be KEY=VALUE, with a value in YAML") from None


if __name__ == "__main__":
    command()
