"""Settings of the numeric libraries. They read them when they load, so this module comes before all of them."""

from __future__ import annotations

import os

# Threads of torch and scikit-learn that wait for each other must sleep: spinning, as is the default, makes
# two threads ten times slower than one as soon as anything else wants the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
