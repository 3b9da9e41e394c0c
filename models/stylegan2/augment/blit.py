"""Pixel blitting: mirror, quarter turns, translation by whole pixels. Pixels move and keep their values to the bit."""

from __future__ import annotations

import torch
from torch import Tensor

from models.stylegan2.augment.chance import Chance, Keep, moved_to

SHIFT = 0.125  # largest translation, share of the side


def blit(pictures: Tensor, chance: Chance, keep: Keep) -> Tensor:
    """Transform pictures (n, c, s, s): without mirror images if they are `handed`, without turns if `upright`."""
    side, n = pictures.shape[-1], chance.n
    mirror = turn = torch.zeros(n, dtype=torch.long)
    if not (keep.upright or keep.handed):
        mirror = chance.pick(chance.whole(2), 0)
    if not keep.upright:
        turn = chance.pick(chance.whole(4), 0)
    shift = chance.pick(torch.round(chance.uniform(-SHIFT, SHIFT, 2) * side).long(), 0)
    return moved(pictures, mirror, turn, shift)


def moved(pictures: Tensor, mirror: Tensor, turn: Tensor, shift: Tensor) -> Tensor:
    """Mirror left and right, then turn by quarters as `torch.rot90`, then shift to the right and down.

    Args:
        mirror, turn: whole numbers (n,), 0 or 1 and 0 to 3. shift: whole pixels (n, 2), right and down.

    Pixels that come from outside are reflected at the border.
    """
    side, device = pictures.shape[-1], pictures.device
    mirror, turn, shift = (moved_to(values, pictures) for values in (mirror, turn, shift))
    down, right = torch.meshgrid(*[torch.arange(side, device=device)] * 2, indexing="ij")
    x, y = (_reflected(axis - shift[:, number, None, None], side) for number, axis in enumerate((right, down)))
    last, turn = side - 1, turn[:, None, None]
    # The place in the picture before the turn. rot90 by one moves the right column to the top row.
    before_x = torch.where(turn == 0, x, torch.where(turn == 1, last - y, torch.where(turn == 2, last - x, y)))
    before_y = torch.where(turn == 0, y, torch.where(turn == 1, x, torch.where(turn == 2, last - y, last - x)))
    before_x = torch.where(mirror[:, None, None] == 1, last - before_x, before_x)
    index = (before_y * side + before_x).flatten(1)[:, None].expand(-1, pictures.shape[1], -1)
    return pictures.flatten(2).gather(2, index).view_as(pictures)


def _reflected(place: Tensor, side: int) -> Tensor:
    """Places outside 0 … side - 1 reflected at the outermost pixel."""
    period = 2 * (side - 1)
    place = place.remainder(period)
    return torch.where(place < side, place, period - place)
