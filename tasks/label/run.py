"""label: the class of every pixel. A dataset without labels gets an empty class card and no maps."""

from __future__ import annotations

from tasks.files import atomic_dir
from tasks.formats.labels import empty_classes, write_classes
from tasks.label.params import Params
from tasks.stage import Stage


def run(stage: Stage[Params]) -> None:
    """Write `labels/`."""
    with atomic_dir(stage.dir / "labels") as folder:
        write_classes(empty_classes(), folder)
    stage.metrics({"classes": 0, "labelled_scenes": 0})
    stage.say("no labels: an empty class card")
