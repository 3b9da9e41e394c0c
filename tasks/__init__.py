"""One room per stage, named by its verb. Every stage runs with no server: `python -m tasks.<room> <dataset>`."""

import tasks.core.surroundings  # noqa: F401, I001 - both come before every library, and nothing else stands here
import tasks.core.arithmetic  # noqa: F401 - it must come before numpy and torch
