"""Files for drawing a class map in a paint program: the class colours, and a blank drawing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tasks.formats.tables.drawing import write_drawing


def write_palette(folder: Path, classes: pd.DataFrame, px: int, title: str) -> None:
    """Write palette.png (swatches with names), palette.gpl (GIMP, Krita, Aseprite) and blank.png (px × px)."""
    classes = classes.sort_values("id")
    _swatches(classes, title).savefig(folder / "palette.png", dpi=110, metadata={"Software": None})
    lines = ["GIMP Palette", f"Name: {title}", f"Columns: {min(len(classes), 8)}", "#"]
    lines += [
        f"{red:3d} {green:3d} {blue:3d}\t{name}"
        for red, green, blue, name in classes[["red", "green", "blue", "name"]].itertuples(index=False)
    ]
    (folder / "palette.gpl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    # In an indexed picture, a paint program shows the classes as its colour map and does not smooth edges.
    write_drawing(folder / "blank.png", np.zeros((px, px), np.uint8), classes)


def _swatches(classes: pd.DataFrame, title: str) -> Figure:
    figure = Figure(figsize=(4.6, 0.45 * len(classes) + 0.5))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 10), ylim=(len(classes) + 0.5, -1))
    axes.set_axis_off()
    axes.text(0.3, -0.4, title, va="center", fontsize=10, weight="bold")
    for row, (red, green, blue, name) in enumerate(
        classes[["red", "green", "blue", "name"]].itertuples(index=False), start=0
    ):
        # A swatch has no outline and no smoothed pixels, so a colour picker finds the exact colour anywhere in it.
        axes.fill_between([0.3, 2.5], row + 0.06, row + 0.94, color=(red / 255, green / 255, blue / 255), linewidth=0)
        axes.text(2.8, row + 0.5, f"{name}   #{red:02x}{green:02x}{blue:02x}", va="center", fontsize=10)
    return figure
