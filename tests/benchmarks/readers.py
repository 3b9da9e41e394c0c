"""Other ways to store and read the same tiles: written once, then read in batches of 64 as one tensor.

Runs in a process of its own, with the other libraries' folder on its path:
`python -m tests.benchmarks.readers write|read NAME FOLDER TILES.npy`. `read` prints tiles a second.

Each library gets what is quickest for it: bare float32 bytes and no caption, so no decoding; as few
files as it allows; the whole set in the page cache; and its own shuffling, which for all but one file a tile
is weaker than a permutation.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

BATCH = 64
SECONDS = float(os.environ.get("LANDLOOM_BENCH_SECONDS", 4))


def write_webdataset(folder: Path, tiles: np.ndarray) -> None:
    """Tar files of 1,024 tiles."""
    import webdataset

    with webdataset.ShardWriter(f"{folder}/%05d.tar", maxcount=1024, verbose=0) as sink:
        for number, tile in enumerate(tiles):
            sink.write({"__key__": f"{number:08}", "bin": tile.tobytes()})


def read_webdataset(folder: Path, side: int) -> Iterable:
    """Shards in shuffled order, then a buffer of 2,048 tiles."""
    import torch
    import webdataset

    def tile(sample: dict) -> np.ndarray:
        return np.frombuffer(sample["bin"], np.float32).reshape(side, side)

    data = webdataset.WebDataset(sorted(map(str, folder.glob("*.tar"))), shardshuffle=100, empty_check=False)
    data = data.shuffle(2048).map(tile).batched(BATCH, collation_fn=lambda batch: torch.from_numpy(np.stack(batch)))
    return webdataset.WebLoader(data, batch_size=None, num_workers=0)


def _same(tile: np.ndarray) -> np.ndarray:
    return tile


def write_litdata(folder: Path, tiles: np.ndarray) -> None:
    """Chunks of 16 MB."""
    import litdata

    litdata.optimize(_same, list(tiles), str(folder), chunk_bytes="16MB", num_workers=1, verbose=False)


def read_litdata(folder: Path, side: int) -> Iterable:
    """Its own shuffle, its own loader."""
    import litdata
    import torch

    data = litdata.StreamingDataset(str(folder), shuffle=True, drop_last=True, seed=0)

    def collate(batch: list[np.ndarray]) -> torch.Tensor:
        return torch.from_numpy(np.stack(batch))

    return litdata.StreamingDataLoader(data, batch_size=BATCH, num_workers=0, collate_fn=collate)


def write_files(folder: Path, tiles: np.ndarray) -> None:
    """One .npy a tile, a thousand to a folder."""
    for number, tile in enumerate(tiles):
        path = folder / f"{number // 1000:04}" / f"{number:08}.npy"
        path.parent.mkdir(exist_ok=True)
        np.save(path, tile)


def read_files(folder: Path, side: int) -> Iterable:
    """A full permutation."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Files(Dataset):
        paths = sorted(map(str, folder.glob("*/*.npy")))

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, row: int) -> np.ndarray:
            return np.load(self.paths[row])

    return DataLoader(
        Files(), BATCH, shuffle=True, drop_last=True, collate_fn=lambda batch: torch.from_numpy(np.stack(batch))
    )


def read_landloom(folder: Path, side: int) -> Iterable:
    """Ours: a full permutation, exact epochs."""
    from tasks.formats.shards.loader import Loader
    from tasks.formats.shards.shardset import ShardSet

    return _Ours(Loader(ShardSet(folder), "train", BATCH, seed=0))


class _Ours:
    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        import torch

        return (torch.from_numpy(batch["height"]) for batch in self.loader)


WRITERS: dict[str, Callable] = {"webdataset": write_webdataset, "litdata": write_litdata, "files": write_files}
READERS: dict[str, Callable] = {
    "webdataset": read_webdataset,
    "litdata": read_litdata,
    "files": read_files,
    "landloom": read_landloom,
}


def rate(loader: Iterable, side: int) -> float:
    """Tiles a second over whole epochs, after one epoch to warm up."""
    tiles, started, warm = 0, 0.0, False
    while not warm or time.perf_counter() - started < SECONDS:
        for batch in loader:
            assert tuple(batch.shape)[1:] == (side, side) and batch.is_contiguous()
            tiles += len(batch)
        if not warm:
            tiles, started, warm = 0, time.perf_counter(), True
    return tiles / (time.perf_counter() - started)


def main() -> None:
    """One verb, one name."""
    import torch

    torch.set_num_threads(1)
    verb, name, folder, tiles = sys.argv[1], sys.argv[2], Path(sys.argv[3]), np.load(sys.argv[4], mmap_mode="r")
    if verb == "write":
        folder.mkdir(parents=True)
        WRITERS[name](folder, np.asarray(tiles))
    else:
        side = tiles.shape[-1]
        print(f"rate {rate(READERS[name](folder, side), side)}", flush=True)
        os._exit(0)  # some loaders leave threads behind that would hold the process


if __name__ == "__main__":
    main()
