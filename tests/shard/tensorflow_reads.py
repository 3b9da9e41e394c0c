"""Reads shards with the code lines of their data card, in a Python that has TensorFlow.

Usage: python tensorflow_reads.py SHARDS OUT.npz
"""

import os
import sys
from pathlib import Path

import numpy as np

folder, out = (Path(argument).resolve() for argument in sys.argv[1:])
blocks = (folder / "card.md").read_text().split("```python\n")
code = next(block.split("```")[0] for block in blocks if block.startswith("import tensorflow"))
os.chdir(folder)
names: dict = {}
exec(code, names)
arrays = zip(
    *(item if isinstance(item, tuple) else (item,) for item in names["tiles"].as_numpy_iterator()), strict=True
)
keys = [
    names["tf"].io.parse_single_example(record, names["features"])["key"].numpy().decode()
    for record in names["tf"].data.TFRecordDataset(sorted(map(str, folder.glob("train-*.tfrecord"))))
]
np.savez(out, *(np.stack(array) for array in arrays), keys=np.array(keys))
