"""The model for a person's command: the trained one of the dataset, the one of the repository, or any folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.generate.product import Facts, Product, open_model

PRETRAINED = "pretrained"
SHELF = Path("models") / PRETRAINED
"""Finished models that come with the repository, `<dataset>/` each. No stage depends on them."""
CONFIG, WEIGHTS, CARD = "config.json", "weights.safetensors", "README.md"


@dataclass(frozen=True)
class Chosen:
    """An opened model.

    Attributes:
        folder: its files. origin: entries of every sidecar that say which model made the sample.
    """

    model: Any
    product: Product
    folder: Path
    origin: Facts


def choose(dataset: str, wish: str | None, root: Path) -> Chosen:
    """Open the model that `--model` names.

    Args:
        wish: None means `data/<dataset>/model`, `pretrained` means `models/pretrained/<dataset>`, and anything else is
            the path of a folder.

    Raises:
        LandloomError: there is no model, or it is damaged. The message says how to get one.
    """
    if wish is None:
        folder = root / "data" / dataset / "model"
        if not (folder / CONFIG).exists():
            train = _or_pretrained(f"`dvc repro train@{dataset}` trains one", dataset, root)
            raise LandloomError(f"{_shown(folder, root)}: there is no trained model yet; {train}")
        model, product = open_model(folder, _or_pretrained("run `dvc repro` to train it again", dataset, root))
        return Chosen(model, product, folder, {"dataset": dataset, "model_md5": dvc_md5(folder)})
    folder, mend = Path(wish), "--model takes a folder with a finished model"
    if wish == PRETRAINED:
        folder, mend = root / SHELF / dataset, f"`git checkout -- {SHELF / dataset}` brings it back"
        if not (folder / CONFIG).exists():
            there = sorted(path.parent.name for path in (root / SHELF).glob(f"*/{CONFIG}"))
            others = f"there are models for {', '.join(there)}" if there else "there is none for any dataset"
            raise LandloomError(f"{SHELF / dataset}: no model for {dataset} comes with the repository; {others}")
    elif not (folder / CONFIG).is_file():
        what = f"this folder has no {CONFIG}" if folder.is_dir() else "there is no such folder"
        raise LandloomError(
            f"--model {wish}: {what}; give a folder with a finished model, as data/{dataset}/model, or `{PRETRAINED}` "
            "for the model that comes with the repository"
        )
    model, product = open_model(folder, mend)
    origin = {"dataset": dataset, "model_md5": dvc_md5(folder), "model": _shown(folder, root)}
    origin["weights_sha256"] = file_sha256(folder / WEIGHTS)
    if (folder / CARD).is_file():
        origin |= {"card": _shown(folder / CARD, root), "card_sha256": file_sha256(folder / CARD)}
    return Chosen(model, product, folder, origin)


def _or_pretrained(mend: str, dataset: str, root: Path) -> str:
    """The advice, and the model of the repository where there is one."""
    here = (root / SHELF / dataset / CONFIG).exists()
    return f"{mend}, or use the model that comes with the repository: --model {PRETRAINED}" if here else mend


def _shown(path: Path, root: Path) -> str:
    """A path inside the checkout relative to it, so that a sidecar says the same on every machine."""
    whole = path.resolve()
    return whole.relative_to(root.resolve()).as_posix() if whole.is_relative_to(root.resolve()) else str(path)
