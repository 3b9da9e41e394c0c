"""`python -m tasks.generate <dataset>`, the stage; with --labels or --palette, drawings outside the pipeline."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tasks.core.errors import LandloomError
from tasks.generate.params import Params
from tasks.generate.run import run
from tasks.runs.execute import main


def command(arguments: list[str] | None = None) -> None:
    """Run the stage, or paint a drawing, or write the palette to draw with."""
    parser = argparse.ArgumentParser(prog="python -m tasks.generate", description=__doc__)
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--labels", type=Path, metavar="PNG", help="paint this drawing, in the model's class colours")
    what.add_argument("--palette", action="store_true", help="write the class colours and a blank drawing")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to; drawings/<name> unless given")
    parser.add_argument("--seed", type=int, help="with --labels: another seed than the parameters'")
    given = parser.parse_args(arguments)
    if given.labels is None and given.seed is not None or not (given.labels or given.palette) and given.out:
        parser.error("--out and --seed go with a drawing: the stage itself writes data/<dataset>/samples")
    if given.seed is not None and not 0 <= given.seed < 2**31:
        parser.error("--seed: a number from 0 to 2147483647")
    if not (given.labels or given.palette):
        main("generate", Params, run)
        return
    from tasks.generate.draw import give_palette, paint_drawing

    try:
        if given.palette:
            folder = give_palette(given.dataset, given.out)
        else:
            folder = paint_drawing(given.dataset, given.labels, given.out, given.seed)
    except LandloomError as error:
        print(f"generate@{given.dataset}: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"[generate@{given.dataset}] {folder}")


if __name__ == "__main__":
    command()
