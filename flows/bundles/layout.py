"""Names of files and formats that both machines use. This module imports only the standard library."""

from __future__ import annotations

MANIFEST = "manifest.json"
"""The card of a bundle: stages with their inputs and parameters, and all files with sizes and hashes."""

BUNDLE_FORMAT = "landloom-bundle/1"

ORIGIN = "bundle-origin.json"
"""The origin of the code: commit, uncommitted changes, committed parameters (`tasks.runs.carried` reads it)."""

RESULTS = "results.json"
"""The card of results: finished stages, hardware, and all files with sizes and hashes."""

RESULTS_FORMAT = "landloom-results/1"

PACKAGES = "packages"
"""The folder of a bundle that holds the included packages, ready to import."""

STATE = ".landloom"
UNSENT = f"{STATE}/unsent"
"""The folder where stages keep events for MLflow (`tasks.runs.journal`)."""

DONE = f"{STATE}/done"
"""The folder with one file for each finished stage: the hashes of its outputs."""

DEADLINE = "LANDLOOM_DEADLINE"
"""Variable with the time, in seconds since 1970, at which training ends early with a finished model
(`tasks.train.deadline`)."""
