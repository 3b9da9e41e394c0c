"""Write a terrain model as ONNX, or as a page that runs it in a browser.

python -m models.onnx data/terrain/model --out terrain-onnx             terrain.onnx and terrain.json
python -m models.onnx data/terrain/model --out terrain-onnx --page      index.html beside them
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.core.artifact import load_model
from models.onnx.page import check, page
from models.onnx.write import write


def main(arguments: list[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m models.onnx", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="folder of a finished model, with config.json and weights.safetensors")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files; it is made if it does not exist")
    parser.add_argument("--page", action="store_true", help="also write index.html, which runs the model in a browser")
    parser.add_argument(
        "--runtime",
        type=Path,
        help="with --page: folder of the npm package onnxruntime-web, which is put into the page, so that it works "
        "without network",
    )
    given = parser.parse_args(arguments)
    try:
        if given.runtime and not given.page:
            raise ValueError("--runtime goes with --page")
        if not (given.model / "config.json").is_file():
            raise ValueError(f"{given.model}: there is no model, for there is no config.json")
        if given.runtime:
            check(given.runtime)
        given.out.mkdir(parents=True, exist_ok=True)
        print("writing the network; it takes up to a minute", flush=True)
        facts = write(load_model(given.model, "cpu"), given.out)
        print(f"{given.out / 'terrain.onnx'}: heights as of torch, to {facts['largest_difference']:.0e} of the relief")
        if given.page:
            model = (given.out / "terrain.onnx").read_bytes()
            written = given.out / "index.html.part"
            written.write_text(page(model, facts, given.runtime), encoding="utf-8")
            written.replace(given.out / "index.html")
            print(f"{given.out / 'index.html'}: open it in a browser")
    except (ValueError, OSError) as error:
        sys.exit(f"models.onnx: {error}")


if __name__ == "__main__":
    main()
