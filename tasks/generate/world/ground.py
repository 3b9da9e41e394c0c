"""The planes of a world: a coarse map that the words steer, and the ground that the model makes on it.

| plane | pixels | is |
|---|---|---|
| coarse map | blocks of the ground | windows of the model, with the relief of much larger ground |
| ground | the model's | windows of the model that follow the coarse map |

Words may change over the plane: a window takes those at its centre (`tasks.generate.world.regions`). A person's map
may take the place of the coarse map (`tasks.generate.world.given`). Each plane is evaluated twice.
Windows have the same noise where they overlap, so their details agree, and the second evaluation starts from the blend
of the first one, with its windows shifted by a quarter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.fft import dctn, idctn

from tasks.core.errors import LandloomError
from tasks.generate.world.agree import Agreeing
from tasks.generate.world.blend import Blended, Corners, Make, Plane, cut
from tasks.generate.world.noise import normal
from tasks.generate.world.regions import Everywhere, Words
from tasks.generate.world.transition import Transition
from tasks.generate.world.words import Wanted

ROUGHER = 0.35
"""Exponent of the filter that makes a window of the model look eight times larger. From squares of 64 to squares of 512
pixels of SRTM at 90 m, the deviation grows by 2.3 (median of 34 squares); within a window of the model, from 8 to 64,
by 3.3. With this exponent it grows by 2.4."""
COARSE_SHARE = 0.96  # deviation of the 8 × 8 block means of SRTM tiles over that of their 64 × 64 pixels (median)
REGION = 2  # sides of a coarse window from one draw of elevation and relief to the next one
GROUND, COARSE, NODES = 0, 1, 2  # first numbers of the keys of chance


class World:
    """An endless plane of heights in metres. Row 0 and column 0 are a place like any other.

    Args:
        model: a model of heights with `windows` (`models.consistency.windows`).
        seed: chance. words: a text for the whole plane, or "", or words that change over it. guidance: their strength.
        steps: evaluations of each window, 1 or 2.
        given: a map of mean heights, in metres, that the ground follows; None: a coarse map that the words steer.
        fold: 1 if a pixel of `given` is a block of the ground, 2 if it is a block of such blocks.
    Raises:
        LandloomError: the model cannot make windows, or the steps or the guidance are not those that it takes.
    """

    def __init__(
        self,
        model: Any,
        seed: int,
        words: str | Words = "",
        guidance: float = 1.0,
        steps: int = 2,
        given: Plane | None = None,
        fold: int = 1,
    ):
        self._windows = windows_of(model)
        self._words = Everywhere(words) if isinstance(words, str) else words
        _check(model, self._words, guidance, steps)
        self.gsd, self.factor = float(model.gsd), self._windows.coarse_px
        self._seed, self._guidance = seed, guidance
        self.coarse = given or self._imagined(steps)
        for level in reversed(range(1, fold)):
            self.coarse = self._following(level, self.coarse, steps)
        self._ground = self._following(GROUND, self.coarse, steps)

    def read(self, row: int, col: int, rows: int, cols: int) -> np.ndarray:
        """Heights of a rectangle, float32 (rows, cols) metres; the sea is 0. They do not depend on the rectangle."""
        return np.maximum(self._ground.read(row, col, rows, cols), 0.0).astype(np.float32)

    def _imagined(self, steps: int) -> Plane:
        """The coarse map that the words steer."""
        px = self._windows.px

        def asked(text: str, near: float | None) -> Wanted:
            return Wanted(self._windows, text, self._guidance, (self._seed, NODES), REGION * px, near)

        wanted = Transition(self._words, self.factor, asked)

        def first(corners: Corners) -> np.ndarray:
            parts = [wanted.read(row + px // 2, col + px // 2, 1, 1) for row, col in corners]
            moments = tuple(np.array([part[k][0, 0] for part in parts]) for k in range(2))
            return self._windows.first(self._noise(COARSE, 0, corners), *self._asked(COARSE, corners), None, moments)

        made = self._evaluated(COARSE, steps, first, lambda corners: None)
        return Raised(self._blended(0, partial(self._roughened, made)), wanted)

    def _following(self, level: int, coarse: Plane, steps: int) -> Plane:
        """Windows whose blocks have about the heights of a coarse map."""
        under = partial(cut, coarse, side=self._windows.px // self.factor, factor=self.factor)

        def first(corners: Corners) -> np.ndarray:
            return self._windows.first(self._noise(level, 0, corners), *self._asked(level, corners), under(corners))

        return Agreeing(self._evaluated(level, steps, first, under), coarse, self.factor)

    def _evaluated(self, level: int, steps: int, first: Make, under: Callable[[Corners], np.ndarray | None]) -> Plane:
        """The plane after all evaluations."""
        px = self._windows.px
        made = self._blended(0, first)
        if steps == 1:
            return made

        def again(corners: Corners) -> np.ndarray:
            heights, noise = cut(made, corners, px), self._noise(level, 1, corners)
            return self._windows.again(heights, noise, *self._asked(level, corners), under(corners))

        return self._blended(px // 4 // self.factor * self.factor, again)

    def _blended(self, shift: int, make: Make) -> Blended:
        return Blended(self._windows.px, shift, self._windows.across, make)

    def _roughened(self, made: Plane, corners: Corners) -> np.ndarray:
        """Windows of the coarse map with mean 0, in units of the deviation of a tile of ground within them."""
        px = self._windows.px
        shape = cut(made, corners, px).astype(np.float64)
        waves = dctn(shape, axes=(1, 2), norm="ortho")
        waves *= (1 + np.hypot(*np.indices((px, px)))) ** ROUGHER
        waves[:, 0, 0] = 0.0
        shape = idctn(waves, axes=(1, 2), norm="ortho")
        side = px // self.factor  # of a tile of ground, on the coarse map
        tiles = shape.reshape(len(shape), self.factor, side, self.factor, side)
        inner = np.sqrt(tiles.var(axis=(2, 4)).mean(axis=(1, 2)))[:, None, None]
        return COARSE_SHARE * np.divide(shape, inner, out=np.zeros_like(shape), where=inner > 0)

    def _noise(self, level: int, evaluation: int, corners: Corners) -> np.ndarray:
        px = self._windows.px
        return np.stack([normal((self._seed, level, evaluation), row, col, px, px) for row, col in corners])

    def _asked(self, level: int, corners: Corners) -> tuple[list[str], float]:
        """The words at the centres of windows, and the guidance. A pixel of a level is `factor`^level of the ground."""
        centres = (np.array(corners) + self._windows.px / 2) * self.factor**level
        return [self._words.texts[number] for number in self._words.at(*centres.T)], self._guidance


class Raised:
    """A shape of deviation 1 within tiles, with the elevation and the relief that the words ask for at each pixel."""

    def __init__(self, shape: Plane, wanted: Transition):
        self._shape, self._wanted = shape, wanted

    def read(self, row: int, col: int, rows: int, cols: int) -> np.ndarray:
        """As `Plane.read`, metres."""
        mean, std = self._wanted.read(row, col, rows, cols)
        return mean + std * self._shape.read(row, col, rows, cols)


def windows_of(model: Any) -> Any:
    """The windows of a model; `LandloomError` if it has none."""
    windows = getattr(model, "windows", None)
    name = model.config["method"]["name"]
    if windows is None or model.gsd is None:
        raise LandloomError(
            f"--world: this {name} model was trained without the condition 'coarse', which all windows of a world "
            "follow; train one with conditions [text, coarse], or choose another with --model"
        )
    if windows.px // 2 % windows.coarse_px:
        raise LandloomError(
            f"--world: half a tile of this model ({windows.px // 2} px) is no multiple of its coarse_px "
            f"({windows.coarse_px}), so windows that overlap by half do not share the blocks of a coarse map"
        )
    return windows


def _check(model: Any, words: Words, guidance: float, steps: int) -> None:
    """Raise `LandloomError` if the model cannot do what is asked."""
    if any(words.texts) and model.words is None:
        raise LandloomError("--text and --text-map: this model was trained without words")
    if steps not in model.windows.evaluations:
        takes = " or ".join(map(str, model.windows.evaluations))
        raise LandloomError(f"--steps {steps}: this model takes {takes} network evaluations")
    most = 1.0 if model.words is None else model.most_guidance or guidance
    if not 1 <= guidance <= max(most, 1):
        raise LandloomError(f"--guidance {guidance:g}: this model takes 1 to {max(most, 1):g}")
