"""Install the packages of a lock file into this Python's environment, and say how far it is every few seconds.

    .venv/bin/python infra/install.py requirements.lock

`make setup` runs this. It needs only the standard library and pip. pip alone is either silent for minutes or prints
lines and warnings by the thousand; here its words are shown only if it fails.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

EVERY_S = 5.0


class Progress:
    """What pip is doing: packages looked up, then packages unpacked; one line every `EVERY_S` seconds."""

    def __init__(self, lock: Path):
        self._wanted = sum(bool(line.strip()) and not line.startswith("#") for line in lock.read_text().splitlines())
        self._site = Path(sysconfig.get_path("purelib"))
        self._found, self._latest, self._unpacks = 0, "", False
        self._started = self._said = time.monotonic()

    def heard(self, line: str) -> None:
        """Take note of one line of pip."""
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            self._found += 1
            self._latest = line.split()[1 if line.startswith("Collecting") else 3].partition("=")[0]
        elif line.startswith("Installing collected packages"):
            self._unpacks = True

    def tell(self, at_once: bool = False) -> None:
        """Print a line, unless the last one is recent."""
        now = time.monotonic()
        if now - self._said < EVERY_S and not at_once:
            return
        self._said = now
        if self._unpacks:
            done = len(list(self._site.glob("*.dist-info")))
            what = f"unpacked {min(done, self._wanted)} of {self._wanted} packages"
        else:
            what = f"fetched {min(self._found, self._wanted)} of {self._wanted} packages"
            what += f", now {self._latest}" if self._latest else ""
        print(f"environment: {what} ({now - self._started:.0f} s)", flush=True)


def install(lock: Path) -> int:
    """Run pip; return its exit status. If it fails, its last lines are printed."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    pip = subprocess.Popen(
        [*command, "--requirement", str(lock)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    progress, lines, ended = Progress(lock), [], threading.Event()

    def told() -> None:
        while not ended.wait(0.5):
            progress.tell()

    teller = threading.Thread(target=told)
    teller.start()
    try:
        for line in pip.stdout or ():
            lines.append(line.rstrip())
            progress.heard(line.strip())
        status = pip.wait()
    finally:
        ended.set()
        teller.join()
        if pip.poll() is None:  # Ctrl-C
            pip.terminate()
            pip.wait()
    if status:
        print("\n".join(line for line in lines if not line.startswith("WARNING: Location"))[-4000:], file=sys.stderr)
    else:
        progress.tell(at_once=True)
    return status


def main() -> None:
    """The command line."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} LOCK")
    print(f"environment: installing the packages of {sys.argv[1]} with pip: torch, MLflow, Prefect, DVC, rasterio, …")
    try:
        sys.exit(install(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
