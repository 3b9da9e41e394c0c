"""One training on several processes or machines, under the same command as on one.

`LANDLOOM_LAUNCH` holds the arguments of `accelerate launch`, and the stage replaces itself by that command. DVC's run
cache keys a run by its command, so a run on one GPU finds the outputs of a run on eight.
"""

from __future__ import annotations

import os
import shlex
import sys

VARIABLE = "LANDLOOM_LAUNCH"


def spread() -> None:
    """Replace this process by `accelerate launch <LANDLOOM_LAUNCH> -m tasks.train …` if the variable is set."""
    words = os.environ.pop(VARIABLE, "")  # removed, so that the launched processes train
    if words.strip():
        launcher = [sys.executable, "-m", "accelerate.commands.launch", *shlex.split(words)]
        os.execv(sys.executable, [*launcher, "-m", "tasks.train", *sys.argv[1:]])
