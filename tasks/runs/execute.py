"""Execution of one stage: read its parameters, record its run, hash its outputs.

The `__main__.py` of each room passes its parameter model and its function to `main`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tasks.core.command import outlive_reader
from tasks.core.dag import stage_entry
from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.hashing import dvc_md5
from tasks.core.run import Run
from tasks.core.settings import ROOT, Strict, validate
from tasks.core.spent import clear
from tasks.core.stage import Stage
from tasks.runs.host import host_place
from tasks.runs.parameters import load
from tasks.runs.provenance import Origin, origin
from tasks.runs.tracking import open_run

P = TypeVar("P", bound=Strict)


def main(room: str, model: type[P], function: Callable[[Stage[P]], None]) -> None:
    """Run one stage from the command line: `python -m tasks.<room> <dataset>`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m tasks.{room}", description=sys.modules[function.__module__].__doc__
    )
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    arguments = parser.parse_args()
    outlive_reader()
    try:
        run_stage(room, arguments.dataset, model, function)
    except LandloomError as error:
        print(f"{room}@{arguments.dataset}: {error}", file=sys.stderr)
        sys.exit(1)


def run_stage(room: str, dataset: str, model: type[P], function: Callable[[Stage[P]], None], root: Path = ROOT) -> None:
    """Run one stage: validate the parameters of the dataset, open the run, call `function`, hash the outputs.

    Raises:
        LandloomError: a parameter or an input is wrong.
        RuntimeError: `function` did not write an output.
    """
    settings = load(root, dataset)
    params = validate(model, settings.datasets[dataset][room], f"datasets.{dataset}.{room}")
    entry = stage_entry(room, dataset, root)
    if os.environ.get("RANK", "0") != "0":
        # `accelerate launch` started several processes for this stage. Only the process of rank 0 records the run.
        function(Stage(entry, params, settings.seed, settings.compute, Run(), root))
        return
    clear(root, entry.deps)
    with host_place(lambda line: print(f"[{entry.key}] {line}", flush=True)):
        started_from = origin(entry, root)
        with open_run(entry, params.model_dump(mode="json"), settings.seed, started_from, root) as run:
            stage = Stage(entry, params, settings.seed, settings.compute, run, root, started_from.inputs)
            started = time.monotonic()
            function(stage)
            outs = stage.finish()
            record = _record(stage, outs, started_from)
            run.shown(stage.shown)
            run.outputs({**outs, record.relative_to(root).as_posix(): dvc_md5(record)})
            stage.timing({"stage_seconds": time.monotonic() - started})


def _record(stage: Stage, outs: dict[str, str], started_from: Origin) -> Path:
    """Write the run file, which names the run that made the outputs, and the inputs; return its path.

    DVC checks this file out together with the outputs, so it describes them on every machine.
    """
    path = stage.dir / "runs" / f"{stage.name}.json"
    facts = {
        "stage": stage.key,
        "run_id": stage.run_id,
        "commit": started_from.commit,
        "dirty": started_from.dirty,
        "seed": stage.seed,
        "params": stage.params.model_dump(mode="json"),
        "inputs": stage.inputs,
        "outs": outs,
        "figures": stage.figures,
    }
    write_json(path, facts)
    return path


def quiet_libraries() -> None:
    """Turn off the telemetry of libraries, also for stages that are started without the Makefile."""
    for name, value in {
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DVC_NO_ANALYTICS": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }.items():
        os.environ.setdefault(name, value)


quiet_libraries()
