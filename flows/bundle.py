"""Pack stages into one file for a machine without network: code, inputs, parameters, and missing packages.

    python -m flows.bundle train@terrain --out terrain.tar
    python -m flows.bundle train@terrain evaluate@terrain generate@terrain --out terrain.tar \\
        --wheels --pip-list cluster.txt --limit-mb 2000

On that machine, run `tar xf terrain.tar`, and `python3 run.py` in the new folder. Back here, run
`python -m flows.unbundle results.tar`. docs/bundles.md describes all steps. The same checkout gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from flows.bundles import archive
from flows.bundles.contents import Contents, contents
from flows.bundles.layout import MANIFEST, PACKAGES
from flows.bundles.wheels import fetch, lacking, listed, unpack
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT

_HEAVIEST = 5
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def bundle(
    stages: list[str],
    out: Path,
    pip_list: Path | None = None,
    wheels: bool = False,
    python: str = _PYTHON,
    limit_mb: float | None = None,
    also: Sequence[str] = (),
    root: Path = ROOT,
) -> str:
    """Write the bundle of `stages` to `out`; return its id, which is also part of the name of the folder inside.

    Args:
        stages: names such as `train@terrain`, all of one dataset.
        pip_list: a file with the output of `pip list` on the target.
        wheels: whether to include the packages that the target lacks.
        python: the Python version of the target, for the wheels.
        limit_mb: largest size of the bundle before compression, in MiB.
        also: more files and folders of the checkout to include.

    Raises:
        LandloomError: the stages cannot form a bundle now, or the bundle is larger than `limit_mb`.
    """
    found = contents(stages, root, also)
    for name in found.outside:
        print(f"note: {name} is outside the checkout and is not included; copy it to the same path on the target")
    if not wheels:
        return _written(found, found.files, {}, out, limit_mb)
    if pip_list is None:
        raise LandloomError("--wheels: give a file with the output of `pip list` on the target: --pip-list FILE")
    lacks = lacking(found.manifest["modules"], listed(pip_list.read_text()), python, root)
    print(f"carried packages: {', '.join(f'{name} {version}' for name, version in lacks.items()) or 'none'}")
    with tempfile.TemporaryDirectory() as scratch:
        if lacks:
            fetch(lacks, python, Path(scratch, "wheels"))
        packages = unpack(Path(scratch, "wheels"), Path(scratch, PACKAGES))
        return _written(found, found.files | packages, lacks, out, limit_mb)


def _written(
    found: Contents, files: dict[str, Path], carried: dict[str, str], out: Path, limit_mb: float | None
) -> str:
    compress = archive.zstd() is not None
    texts = {name: [len(text), hashlib.sha256(text).hexdigest()] for name, text in found.texts.items()}
    manifest = found.manifest | {"files": archive.listed(files) | texts, "packages": carried, "compressed": compress}
    identity = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:12]
    members = sorted([*archive.carded(MANIFEST, manifest), *found.texts.items(), *files.items()])
    members = [(f"landloom-{identity}/{name}", content) for name, content in members]
    size = archive.size(members)
    print(_told(files, size))
    if limit_mb is not None and size > limit_mb * 2**20:
        raise LandloomError(f"{out}: {size / 2**20:.1f} MiB are more than --limit-mb {limit_mb:g}; nothing was written")
    try:
        archive.write(out, members, compress)
    except ValueError as error:
        raise LandloomError(f"{out}: {error}") from None
    print(f"{out}: {out.stat().st_size / 2**20:.1f} MiB, unpacks into landloom-{identity}")
    return identity


def _told(files: dict[str, Path], size: int) -> str:
    """Return a line with the size of the bundle, and its largest inputs and packages."""
    weights: Counter[str] = Counter()
    for name, path in files.items():
        parts = name.split("/")
        depth = 3 if parts[0] == "data" else 2 if parts[0] == PACKAGES else 1
        weights["/".join(parts[:depth])] += path.stat().st_size
    most = ", ".join(f"{name} {weight / 2**20:.1f}" for name, weight in weights.most_common(_HEAVIEST))
    return f"{size / 2**20:.1f} MiB before compression, in {len(files)} files; the largest parts, in MiB: {most}"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.bundle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="+", metavar="STAGE", help="stages of one dataset, as train@terrain")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--wheels", action="store_true", help="include packages that the target lacks (never torch)")
    parser.add_argument("--pip-list", type=Path, metavar="FILE", help="output of `pip list` on the target")
    parser.add_argument("--python", default=_PYTHON, metavar="X.Y", help="Python of the target (%(default)s)")
    parser.add_argument(
        "--also", action="append", default=[], metavar="PATH", help="also include this file or folder of the checkout"
    )
    parser.add_argument("--limit-mb", type=float, metavar="N", help="most MiB of the bundle before compression")
    arguments = parser.parse_args()
    with told(OSError):
        bundle(**vars(arguments))


if __name__ == "__main__":
    main()
