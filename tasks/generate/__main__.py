"""`python -m tasks.generate <dataset>`, the stage; with another option, files for a person outside the pipeline."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from tasks.core import yaml12
from tasks.core.errors import LandloomError
from tasks.generate.explore import part as parts
from tasks.generate.params import Params
from tasks.generate.run import run
from tasks.runs.execute import main


def command(arguments: list[str] | None = None) -> None:
    """Run the stage, or paint a drawing, or write the palette to draw with, or explore the latent space."""
    parser = argparse.ArgumentParser(prog="python -m tasks.generate", description=__doc__)
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--labels", type=Path, metavar="PNG", help="paint this drawing, in the model's class colours")
    what.add_argument("--palette", action="store_true", help="write the class colours and a blank drawing")
    for name in parts.names():
        part = parts.find(name)
        takes: dict[str, Any] = {"metavar": part.argument} if part.argument else {"action": "store_const", "const": ""}
        what.add_argument(f"--{name}", **takes, help=part.help)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to; a folder of drawings/ unless given")
    parser.add_argument("--seed", type=int, help="another seed than the parameters'")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another setting than the parameters', of a part of the latent space; may be repeated",
    )
    given = parser.parse_args(arguments)
    part = next((name for name in parts.names() if getattr(given, name) is not None), None)
    if given.labels is None and part is None and given.seed is not None:
        parser.error("--seed goes with a drawing or a part of the latent space: the stage has the parameters' seed")
    if not (given.labels or given.palette or part) and given.out:
        parser.error("--out goes with another option: the stage itself writes data/<dataset>/samples")
    if given.set and part is None:
        parser.error("--set goes with a part of the latent space")
    if given.seed is not None and not 0 <= given.seed < 2**31:
        parser.error("--seed: a number from 0 to 2147483647")
    if not (given.labels or given.palette or part):
        main("generate", Params, run)
        return
    from tasks.generate.draw import give_palette, paint_drawing
    from tasks.generate.explore.make import explore

    try:
        if part is not None:
            try:
                changes = parts.find(part).given(getattr(given, part)) | dict(map(_setting, given.set))
            except ValueError as error:
                parser.error(str(error))
            folder = explore(given.dataset, part, changes, given.out, given.seed)
        elif given.palette:
            folder = give_palette(given.dataset, given.out)
        else:
            folder = paint_drawing(given.dataset, given.labels, given.out, given.seed)
    except LandloomError as error:
        print(f"generate@{given.dataset}: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"[generate@{given.dataset}] {folder}")


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
