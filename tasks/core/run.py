"""What a stage may say to its run. Nobody listens to this base; `tasks.runs.tracking` tells MLflow."""

from __future__ import annotations

from pathlib import Path


class Run:
    """A run that nobody records.

    Attributes:
        id: the id under which the run is recorded, or None.
    """

    id: str | None = None

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        """Record numbers, at a step or once."""

    def timing(self, values: dict[str, float]) -> None:
        """Record seconds and rates."""

    def artifact(self, path: Path, folder: str) -> None:
        """Attach a file."""

    def outputs(self, hashes: dict[str, str]) -> None:
        """Stamp the hashes of what the stage wrote."""
