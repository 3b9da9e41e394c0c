"""The section `generate` of a dataset, for commands outside the pipeline."""

from __future__ import annotations

from pathlib import Path

from tasks.core.errors import LandloomError
from tasks.core.settings import load, validate
from tasks.generate.params import Params


def section(dataset: str, root: Path) -> Params:
    """The parameters of `generate`; `LandloomError` if the dataset does not exist or a parameter is wrong."""
    settings = load(root)
    if dataset not in settings.datasets:
        raise LandloomError(f"params.yaml: there is no dataset {dataset!r}; there are {', '.join(settings.datasets)}")
    return validate(Params, settings.datasets[dataset]["generate"], f"datasets.{dataset}.generate")
