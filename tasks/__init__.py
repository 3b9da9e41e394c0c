"""One room per stage, named by its verb. Every stage runs with no server: `python -m tasks.<room> <dataset>`."""

import os

# Threads of torch and scikit-learn that wait for each other must sleep: spinning, as is the default, makes
# two threads ten times slower than one as soon as anything else wants the cores. Read when they load.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
