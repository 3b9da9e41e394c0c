"""Where a dataset or a model comes from: as a tree, as a picture, and in the terms of W3C PROV.

    python -m flows.lineage RUN_ID
    python -m flows.lineage models:/terrain/3
    python -m flows.lineage RUN_ID --out FOLDER --attach

The search follows content: the hash of an input leads to the run that has it as an output, back to the ledger of
fetched files with their URLs and licences. The tree and the picture show the first few sources of each licence. The
PROV document has all of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tasks  # noqa: F401 - it must come before numpy, which the modules below load
from flows.history.origins import Lineage, gather
from flows.history.picture import draw
from flows.history.prov import document, to_json
from flows.history.runs import Runs
from flows.history.tree import tree
from tasks.core.command import told
from tasks.core.files import atomic_file
from tasks.core.settings import ROOT

PICTURE, PROV, TREE = "lineage.png", "lineage.prov.json", "lineage.txt"


def write(lineage: Lineage, folder: Path, root: Path) -> list[Path]:
    """Write tree, picture and PROV document into `folder`."""
    figure, text = draw(lineage, root), to_json(document(lineage))
    with atomic_file(folder / PICTURE) as part:
        figure.savefig(part, dpi=110, metadata={"Software": None})
    for name, content in ((PROV, text), (TREE, tree(lineage) + "\n")):
        with atomic_file(folder / name) as part:
            part.write_text(content)
    return [folder / PICTURE, folder / PROV, folder / TREE]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.lineage", description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a run id, models:/NAME/VERSION, or STAGE@DATASET of this checkout")
    parser.add_argument("--out", type=Path, help="folder for the files; .landloom/lineage/… when left out")
    parser.add_argument("--attach", action="store_true", help="attach the files to the run in MLflow as well")
    arguments = parser.parse_args()
    with told(status=2):
        lineage = gather(arguments.run, ROOT)
        folder = arguments.out or ROOT / ".landloom" / "lineage" / f"{lineage.last.stage}-{lineage.last.run_id[:8]}"
        print(tree(lineage))
        for path in write(lineage, folder, ROOT):
            print(path)
            if arguments.attach:
                Runs(ROOT).client.log_artifact(lineage.last.run_id, str(path), "lineage")


if __name__ == "__main__":
    main()
