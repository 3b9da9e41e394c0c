"""Definition of a part of the exploration: a film, a sheet or a picture from a model's latent space, found by its name.

`tasks/generate/explore/parts/<name>.py` holds one record, `PART`. The module level imports no heavy packages, because
the check of parameters imports the module. `make` imports its own packages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.core.settings import Strict
from tasks.generate.records import Records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from models.core.products import LatentSpace


@dataclass(frozen=True)
class Task:
    """Input of a part beside its settings.

    Attributes:
        model: the finished model. space: its latent space. seed: of the points and the noise. root: the repository,
            which paths in settings are relative to.
    """

    model: Any
    space: LatentSpace
    seed: int
    root: Path


@dataclass(frozen=True)
class Shown:
    """Output of a part beside its files.

    Attributes:
        text: sentences that say what is shown and how it was made. sheet: the picture of the part.
        table: rows of one table for the report, all with the same keys.
    """

    text: str
    sheet: Figure
    table: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        title: heading in the report. help: line of the command's help.
        needs: what the latent space must support, see `Config.latent` (`models.core.config`).
        settings: the model of `generate.explore.<name>`, with all defaults.
        make: (task, settings, folder) writes `files` into an empty folder and returns what is shown.
        files: file name to title, of all files that `make` writes.
        argument: name of the argument that the command's flag takes, or None. given: argument to settings.
    """

    title: str
    help: str
    needs: str
    settings: type[Strict]
    make: Callable[[Task, Any, Path], Shown]
    files: dict[str, str] = field(default_factory=dict)
    argument: str | None = None
    given: Callable[[str], dict[str, Any]] = lambda argument: {}


PARTS: Records[Part] = Records("tasks.generate.explore.parts", "PART", "part")
names, find = PARTS.names, PARTS.find


def unsuited(parts: list[str], abilities: tuple[str, ...], maker: str) -> str | None:
    """The reason why one of the parts cannot be made, or None. `maker` names the model or the method."""
    for name in parts:
        needs = find(name).needs
        if not abilities:
            return f"{name} explores a latent space, and {maker} has none; leave it out"
        if needs not in abilities:
            return f"{name} needs a latent space with {needs}, and {maker} has one with {', '.join(abilities)}"
    return None
