"""Put a trained and evaluated model into `models/pretrained`, with its card, so that it comes with the repository.

    python -m flows.ship terrain                          from data/terrain
    python -m flows.ship terrain --data ../other/data/terrain

The card is filled in from the evaluation, the run files and the data card. The data must be in the public domain, or
`--licence` names the licence of the weights. A model that is there already is replaced as a whole.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from flows.shipping.card import card
from flows.shipping.finished import finished
from flows.shipping.weights import MOST, write_weights
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_dir
from tasks.core.hashing import file_sha256
from tasks.core.settings import ROOT

SHELF = Path("models/pretrained")


def ship(dataset: str, data: Path, licence: str | None = None, root: Path = ROOT, most: int = MOST) -> Path:
    """Write `models/pretrained/<dataset>`; return it.

    Args:
        data: the folder of the dataset, after `evaluate`. most: bytes that the weights may take.

    Raises:
        LandloomError: the training is not finished, its files do not agree, its data are not free, or the model is too
            large or cannot be loaded. What was there before stays.
    """
    from models.core.artifact import load_model

    account = finished(dataset, data, licence)
    with atomic_dir(root / SHELF / dataset) as folder:
        written = write_weights(data / "model/weights.safetensors", folder / "weights.safetensors", most)
        shutil.copyfile(data / "model/config.json", folder / "config.json")
        try:
            load_model(folder, "cpu")
        except ValueError as error:
            raise LandloomError(str(error).replace(str(folder), str(data / "model"))) from None
        (folder / "README.md").write_text(
            card(account, written, file_sha256(folder / "weights.safetensors")), encoding="utf-8"
        )
    return root / SHELF / dataset


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.ship", description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="whose model; also the name of the folder in models/pretrained")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="the dataset's folder; data/<dataset> unless given")
    parser.add_argument("--licence", help="of the weights, e.g. cc-by-4.0; needed if the data are not public domain")
    given = parser.parse_args()
    with told():
        folder = ship(given.dataset, given.data or ROOT / "data" / given.dataset, given.licence)
    for path in sorted(folder.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    print(f"read the card, try `python -m tasks.generate {given.dataset} --model pretrained`, and commit the folder")


if __name__ == "__main__":
    main()
