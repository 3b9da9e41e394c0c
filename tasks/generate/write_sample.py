"""Writer of all files of a sample: preview, chosen exports, and the sidecar that explains them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from tasks.core.files import write_json
from tasks.core.hashing import file_sha256
from tasks.generate import export
from tasks.generate.export import Facts, Order
from tasks.generate.params import Params
from tasks.generate.product import Sample


def write_sample(folder: Path, sample: Sample, params: Params, shared: Any = None) -> Facts:
    """Write `<name>.json` and all files that it lists; return its content.

    Args:
        shared: data that all samples of the folder share, see `Order`.

    Raises:
        LandloomError: the sample is not usable, or an export cannot hold it; no files are written.
    """
    sample.check()
    export.unfit(params.exports, sample)
    name = sample.name
    sidecar: Facts = {"name": name, **sample.describe(params, shared)}
    titles: dict[str, str] = {}
    for ending, title, write in sample.layers():
        write(folder / f"{name}.{ending}")
        titles[ending] = title
    for chosen in params.exports:
        record = export.find(chosen)
        facts = record.write(folder, sample, Order(params, params.settings.get(chosen), shared))
        titles = {**record.files, **titles}
        sidecar |= {chosen: facts} if facts else {}
    sidecar["files"] = {
        ending: {
            "name": f"{name}.{ending}",
            "title": title,
            "sha256": file_sha256(folder / f"{name}.{ending}"),
        }
        for ending, title in titles.items()
    }
    write_json(folder / f"{name}.json", sidecar)
    return sidecar


def show_exports(folder: Path, name: str, params: Params) -> list[tuple[str, str, Any]]:
    """(name, text, uint8 picture) of each export with a `show`, drawn from the file of the sample `name`.

    The picture is drawn from the file and not from the array, so it shows the same as a viewer of the file.
    """
    shows = [record.show for chosen in params.exports if (record := export.find(chosen)).show is not None]
    found = [(show.name, show.text, show.draw(folder, name)) for show in shows]
    for picture, _, pixels in found:
        Image.fromarray(pixels).save(folder / f"{picture}.png")
    return found
