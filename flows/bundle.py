"""Pack stages into one file for a machine that reaches nothing: code, inputs, parameters, and the missing packages.

    python -m flows.bundle train@terrain --out terrain.tar
    python -m flows.bundle train@terrain evaluate@terrain generate@terrain --out terrain.tar \\
        --wheels --pip-list cluster.txt --limit-mb 2000

There, `tar xf terrain.tar`, and `python3 run.py` in the new folder. Back here, `python -m flows.unbundle results.tar`.
docs/bundles.md says more. The same checkout gives the same bytes.
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
    """Write the bundle of `stages` to `out`; returns its id, which is also in the name of the folder inside.

    Args:
        pip_list: what `pip list` printed on the target. wheels: carry the packages that are missing there.
        python: the target's version, for the wheels.
        limit_mb: most MiB that the bundle may have before compression.
        also: files and folders of the checkout to carry, too.
    Raises:
        LandloomError: the stages do not make a bundle as things are, or it is larger than `limit_mb`.
    """
    found = contents(stages, root, also)
    for name in found.outside:
        print(f"note: {name} lies outside the checkout and is not carried; put it at the same path on the target")
    if not wheels:
        return _written(found, found.files, {}, out, limit_mb)
    if pip_list is None:
        raise LandloomError("--wheels: name a file with what `pip list` prints on the target: --pip-list FILE")
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
    """How large it is, and what weighs most: an input, or a carried package."""
    weights: Counter[str] = Counter()
    for name, path in files.items():
        parts = name.split("/")
        depth = 3 if parts[0] == "data" else 2 if parts[0] == PACKAGES else 1
        weights["/".join(parts[:depth])] += path.stat().st_size
    most = ", ".join(f"{name} {weight / 2**20:.1f}" for name, weight in weights.most_common(_HEAVIEST))
    return f"{size / 2**20:.1f} MiB before compression, in {len(files)} files; what weighs most, in MiB: {most}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.bundle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="+", metavar="STAGE", help="stages of one dataset, as train@terrain")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--wheels", action="store_true", help="carry the packages that the target lacks (never torch)")
    parser.add_argument("--pip-list", type=Path, metavar="FILE", help="what `pip list` prints on the target")
    parser.add_argument("--python", default=_PYTHON, metavar="X.Y", help="Python of the target (%(default)s)")
    parser.add_argument(
        "--also", action="append", default=[], metavar="PATH", help="carry this file or folder of the checkout, too"
    )
    parser.add_argument("--limit-mb", type=float, metavar="N", help="write nothing that is larger, before compression")
    arguments = parser.parse_args()
    with told(OSError):
        bundle(**vars(arguments))


if __name__ == "__main__":
    main()
