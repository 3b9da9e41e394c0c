"""Projection of a picture into the latent space: how near the model comes to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from models.core.config import PinnedFile
from models.features.names import Network
from tasks.core.settings import Strict
from tasks.generate.explore.part import Part, Shown, Task


class Settings(Strict):
    """The picture, the search and the network that compares pictures."""

    picture: PinnedFile | None = None
    """The picture, `{path, sha256}`; null: a sample of the model itself, which a good search finds again."""
    steps: int = Field(300, ge=1, le=10_000)
    """Steps of the search for one point. The published search has 1,000."""
    styles: int = Field(100, ge=0, le=10_000)
    """Steps after it in which each layer gets a style of its own; 0 leaves them out, as do models without styles."""
    rate: float = Field(0.1, gt=0)
    """Largest learning rate of the search (StyleGAN2)."""
    network: Network = "efficientnet_lite0"
    """Whose features compare pictures: `efficientnet_lite0`, which knows photographs, or `random`, a fixed one."""
    vgg19: PinnedFile | None = None
    """A file of VGG-19, `{path, sha256}`, to be used instead."""


def _make(task: Task, settings: Settings, folder: Path) -> Shown:
    import numpy as np
    import torch
    from PIL import Image

    from models.core.color_encoding import ColorEncoding
    from models.core.pinned import verified
    from models.core.tensor_file import write_tensors
    from models.explore.latent import render
    from models.explore.likeness import distance
    from models.explore.projection import project, project_styles
    from tasks.generate.explore.sheets import sheet

    space = task.space
    noise = space.noise(0, task.seed)
    vgg19 = None if settings.vgg19 is None else verified(settings.vgg19, task.root)
    device = noise[0].device if noise else torch.device("cpu")
    apart, network = distance(settings.network, vgg19, device)
    if settings.picture is None:
        pixels = render(space, space.points([0], task.seed + 1), noise)[0]
        name = "a sample of the model itself"
    else:
        path = verified(settings.picture, task.root)
        pixels, name = _square(path, space.px), path.name

    def image(picture: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(ColorEncoding().encode(picture[None])).to(device)

    target = image(pixels)
    point = project(space, target, apart, noise, settings.steps, settings.rate, task.seed)
    found = {f"one point of {space.name}": point}
    if settings.styles and space.layers > 1:
        styles = project_styles(space, point, target, apart, noise, settings.styles, settings.rate)
        found["a style for each layer"] = styles
    shown = {"before: the mean": render(space, space.mean()[None], noise)[0]}
    shown |= {words: render(space, latent[None], noise)[0] for words, latent in found.items()}
    table = []
    for words, picture in shown.items():
        with torch.inference_mode():
            value = float(apart(image(picture), target))
        error = float(np.sqrt(((picture.astype(np.float64) - pixels) ** 2).mean()))
        row = {"picture": words, "distance": round(value, 4), "root mean square difference, of 255": round(error, 1)}
        table.append(row)
    Image.fromarray(pixels).save(folder / "target.png")
    Image.fromarray(list(shown.values())[-1]).save(folder / "projected.png")
    write_tensors(folder / "projected.safetensors", {"point": point, "styles": list(found.values())[-1]})
    text = (
        f"Projection of {name} into {space.name}: {settings.steps} steps from the mean, with fixed noise; pictures are "
        f"compared by the features of {network}."
    )
    words = ["mean", space.name, "by layer"]
    captions = ["target", *(f"{word}: {row['distance']:.2g}" for word, row in zip(words, table, strict=False))]
    return Shown(text, sheet([[pixels, *shown.values()]], f"Projection of {name}", captions=[captions]), table)


def _square(path: Path, px: int) -> Any:
    """The middle square of a picture, px × px."""
    import numpy as np
    from PIL import Image

    from tasks.formats.colors.read import read_srgb

    try:
        rgb, _ = read_srgb(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    square = rgb[top : top + side, left : left + side]
    # Pillow computes with whole numbers; OpenCV's cubic interpolation differs between processors.
    return np.asarray(Image.fromarray(square).resize((px, px), Image.Resampling.BICUBIC, reducing_gap=None))


def _given(argument: str) -> dict[str, Any]:
    from tasks.core.hashing import file_sha256

    path = Path(argument).resolve()
    if not path.is_file():
        raise ValueError(f"--project {argument}: there is no such file")
    return {"picture": {"path": str(path), "sha256": file_sha256(path)}}


PART = Part(
    title="Projection",
    help="the latent whose picture is most like this one",
    needs="points",
    settings=Settings,
    make=_make,
    files={
        "target.png": "Target (PNG)",
        "projected.png": "Projected (PNG)",
        "projected.safetensors": "Latents (safetensors)",
    },
    argument="PICTURE",
    given=_given,
)
