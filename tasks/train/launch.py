"""Several processes or machines for one training, without another command: DVC knows a run by its command.

`LANDLOOM_LAUNCH` holds the arguments of `accelerate launch`; the stage then replaces itself by it. So the
outputs of a run on eight GPUs stand in DVC's run cache where a run on one would look for them.
"""

from __future__ import annotations

import os
import shlex
import sys

VARIABLE = "LANDLOOM_LAUNCH"


def spread() -> None:
    """Become `accelerate launch <LANDLOOM_LAUNCH> -m tasks.train …` if asked to; else return."""
    words = os.environ.pop(VARIABLE, "")  # gone for the processes that are launched: they are the training
    if words.strip():
        launcher = [sys.executable, "-m", "accelerate.commands.launch", *shlex.split(words)]
        os.execv(sys.executable, [*launcher, "-m", "tasks.train", *sys.argv[1:]])
