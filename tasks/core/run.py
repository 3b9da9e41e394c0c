"""The interface between a stage and the record of its run. `tasks.runs.tracking` implements it with MLflow."""

from __future__ import annotations

from pathlib import Path


class Run:
    """A run that is not recorded: every method does nothing.

    Attributes:
        id: the id under which the run is recorded, or None.
    """

    id: str | None = None

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        """Record numbers, at a step, or once for the whole run if `step` is None."""

    def timing(self, values: dict[str, float]) -> None:
        """Record durations in seconds, and rates."""

    def artifact(self, path: Path, folder: str) -> None:
        """Attach the file `path` under the artifact folder `folder`."""

    def shown(self, names: list[str]) -> None:
        """Record which of the numbers are worth showing, the most telling first."""

    def outputs(self, hashes: dict[str, str]) -> None:
        """Record the hashes of the outputs, by path."""
