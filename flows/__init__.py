"""Prefect flows: when and where stages run. They start DVC and import no stage."""

import os

import tasks  # noqa: F401 - fixes what the shell set for other programs
from flows.outside.here import settle

# Prefect reads its settings on import, so they are set before any module of this package imports it.
# An ephemeral server first migrates its database, which can take most of the default 20 seconds.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
settle()
