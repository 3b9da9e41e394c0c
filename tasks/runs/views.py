"""The columns with which MLflow's pages open: a saved view of each stage's experiment, and of each dataset in it.

MLflow shows a table without any metric at first, and has hundreds of columns to choose from. A view is a tag of the
experiment, in the form that MLflow's own button *Share* writes. The address of a table names the view.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

VIEW = "viewStateShareKey"
_TAG = "mlflow.sharedViewState."
_PARAMETERS = {
    "train": ("method.name", "steps", "batch", "lr"),
    "evaluate": ("train/method.name", "train/steps", "train/batch", "train/lr"),
    "register": ("train/method.name", "train/steps"),
}
_TAGS = ("dataset", "changed", "scale", "registered")  # `registered`: the versions that a run is part of


def view_tag(room: str, shown: Sequence[str], dataset: str | None = None, lowest_first: bool = True) -> tuple[str, str]:
    """Return the tag (key, value) of a stage's view, or of its view of one dataset.

    Args:
        shown: the metrics to compare its runs by, the most telling first. Runs that have a headline are sorted by it,
            others by time.
        lowest_first: the headline is a distance.
    """
    columns = [f"metrics.`{name}`" for name in shown]
    columns += [f"tags.`{name}`" for name in _TAGS if dataset is None or name != "dataset"]
    columns += [f"params.`{name}`" for name in _PARAMETERS.get(room, ())]
    by_headline = "headline" in shown
    state = {
        "searchFilter": f"tags.dataset = '{dataset}'" if dataset else "",
        "orderByKey": "metrics.`headline`" if by_headline else "attributes.start_time",
        "orderByAsc": by_headline and lowest_first,
        "selectedColumns": columns,
    }
    return f"{_TAG}{view_name(dataset)}", json.dumps(state)


def view_name(dataset: str | None = None) -> str:
    """Return the name of a view in the address of a table."""
    return dataset or "stage"
