"""What prose will cost, before anything is sent: `python -m tasks.caption.estimate <dataset>`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tasks.caption.params import Params, Prose
from tasks.caption.prose.describer import chosen_tiles
from tasks.caption.prose.estimate import estimate
from tasks.caption.prose.writer import prose_writer
from tasks.caption.run import measure, read_inputs
from tasks.core.dag import stage_entry
from tasks.core.errors import LandloomError
from tasks.core.run import Run
from tasks.core.settings import ROOT, load, validate
from tasks.core.stage import Stage


def told(dataset: str, root: Path = ROOT) -> str:
    """One line: requests, expected cost, bound, what was spent, cap. Geocoders are asked, the model is not.

    Raises:
        LandloomError: the dataset has no prose, or its tables are missing.
    """
    settings = load(root, dataset)
    params = validate(Params, settings.datasets[dataset]["caption"], f"datasets.{dataset}.caption")
    if not isinstance(params.method, Prose):
        raise LandloomError(
            f"datasets.{dataset}.caption.method: {params.method.name} costs nothing; choose prose to see its cost"
        )
    entry = stage_entry("caption", dataset, root)
    stage: Stage[Params] = Stage(entry, params, settings.seed, settings.compute, Run(), root)
    tiles, scenes = read_inputs(stage)
    facts, _ = measure(stage, params.method, tiles, scenes)
    with prose_writer(stage, params.method, tiles, scenes) as writer:
        keys = list(tiles["key"])
        _, items = writer.items(keys, facts, chosen_tiles(keys, params.method.api.tiles))
        wanted = [item for item in items.values() if item.open(params.method.api)]
        return estimate(wanted, params.method.api, writer.budget(list(items.values()))).line(params.method.api)


def main() -> None:
    """Print the estimate."""
    parser = argparse.ArgumentParser(prog="python -m tasks.caption.estimate", description=__doc__)
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    try:
        print(told(parser.parse_args().dataset))
    except LandloomError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
