"""Runs one training on several processes or machines with the same command as on one process.

`LANDLOOM_LAUNCH` holds the arguments of `accelerate launch`, and the stage replaces itself by that command. DVC's run
cache keys a run by its command, so a run on one GPU finds the outputs of a run on eight.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import yaml

from tasks.core import arithmetic, yaml12
from tasks.core.settings import ROOT

VARIABLE = "LANDLOOM_LAUNCH"


def spread() -> None:
    """Replace this process by `accelerate launch <LANDLOOM_LAUNCH> -m tasks.train …` if the variable is set."""
    words = os.environ.pop(VARIABLE, "")  # removed, so that the launched processes do not launch again
    if words.strip():
        os.environ["LANDLOOM_LAUNCHED"] = "1"  # so that the ranks of the launched processes count
        launcher = [sys.executable, "-m", "accelerate.commands.launch", *shlex.split(words)]
        os.execv(sys.executable, [*launcher, "-m", "tasks.train", *sys.argv[1:]])


def choose_arithmetic(root: Path = ROOT) -> None:
    """Turn off the fixed arithmetic if the dataset's parameters choose the fast one.

    Call this function before numpy and torch load. It reads only one parameter and reports no errors.
    The later check of all parameters reports them.
    """
    try:
        params = yaml12.load((root / "params.yaml").read_text())
        fast = params["datasets"][sys.argv[1]]["train"].get("arithmetic") == "fast"
    except (OSError, LookupError, TypeError, AttributeError, yaml.YAMLError):
        return
    if fast:
        arithmetic.release()
