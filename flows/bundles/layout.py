"""Names that both sides of a bundle know. Standard library only."""

from __future__ import annotations

MANIFEST = "manifest.json"
"""The card of a bundle: stages with their inputs and parameters, and every file with its size and hash."""

BUNDLE_FORMAT = "landloom-bundle/1"

ORIGIN = "bundle-origin.json"
"""Where the code of a bundle came from: commit, uncommitted changes, committed parameters (`tasks.runs.carried`)."""

RESULTS = "results.json"
"""The card of results: what each stage did, on which hardware, and every file with its size and hash."""

RESULTS_FORMAT = "landloom-results/1"

PACKAGES = "packages"
"""The folder of a bundle that holds carried packages, ready to import."""

STATE = ".landloom"
UNSENT = f"{STATE}/unsent"
"""Where stages keep what MLflow will be told (`tasks.runs.journal`)."""

DONE = f"{STATE}/done"
"""One file a finished stage: the hashes of what it wrote."""

DEADLINE = "LANDLOOM_DEADLINE"
"""Seconds since 1970 after which training ends early, as a finished model (`tasks.train.deadline`)."""
