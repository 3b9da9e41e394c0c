#!/usr/bin/env python3
"""Run one stage at one commit on a machine that has git, Python 3.11 and nothing else of ours.

    python worker.py --repository URL --commit SHA --stage train@terrain

It clones the commit, fetches the stage's inputs from the DVC remote, runs that single stage, and pushes its outputs
and DVC's run cache. It never writes to git: the driver restores the outputs from the run cache and writes `dvc.lock`.
The record of the run travels with the outputs, and the driver gives it to its own MLflow. The script can be killed at
any moment and started again, here or on another machine: it repeats no finished fetch, training step before a
checkpoint, or push.

Every option can stand in the environment, as LANDLOOM_REPOSITORY and so on, so that a container, a cloud job and a
process start in the same way. Keys come from the environment alone. Further variables are
    MLFLOW_TRACKING_URI  where the run can be watched meanwhile
    LANDLOOM_STATE       a folder that outlives this machine (a mounted bucket): training continues from there
    LANDLOOM_PYTHON      an interpreter that has requirements.lock; without it an environment is made once
    LANDLOOM_LAUNCH      arguments of `accelerate launch`, where training takes several processes

Exit status: 0 when everything is pushed; 2 when the stage refused (its message says why; another attempt would fail
the same way); 75 when it was stopped or something else failed (another attempt may help); 128 + n after signal n.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

UNCHANGED = "nothing to do, because the remote has its outputs"
DID = {"is cached - skipping run": "restored from the run cache", "didn't change, skipping": UNCHANGED}
REFUSED, AGAIN = 2, 75  # the latter is EX_TEMPFAIL of sysexits.h
OPTIONS = ("repository", "commit", "stage", "remote", "work")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)


class Failed(RuntimeError):
    """A command failed because of the network, the disk or a kill. `lines` is its output."""

    def __init__(self, message: str, lines: Sequence[str] = ()):
        super().__init__(message)
        self.lines = lines


class Refused(RuntimeError):
    """The stage refused its input and said why: another attempt would fail the same way."""


class Commands:
    """Runs each command in its own process group, so that a signal reaches everything it started."""

    def __init__(self) -> None:
        self.running: subprocess.Popen[str] | None = None
        self.signal: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: object) -> None:
        self.signal = number
        if self.running is None:
            raise Failed(f"stopped by signal {number}")
        # On SIGTERM, training finishes its step, saves a checkpoint and ends; so does DVC.
        os.killpg(self.running.pid, signal.SIGTERM)

    def run(
        self,
        *command: str | Path,
        folder: Path,
        env: dict[str, str] | None = None,
        held: int | None = None,
        quiet: bool = False,
    ) -> list[str]:
        """Run a command; returns its output lines, printed too unless `quiet`. The command inherits the lock `held`."""
        if self.signal is not None:
            raise Failed(f"stopped by signal {self.signal}")
        self.running = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=[] if held is None else [held],
        )
        lines = []
        try:
            for line in self.running.stdout or ():
                for part in line.rstrip().split("\r"):  # a progress bar has many parts in one line
                    if part.strip():
                        lines.append(scrub(part.rstrip()))
                        if not quiet:
                            say(lines[-1])
            status = self.running.wait()
        finally:
            if self.running.poll() is None:  # nobody reads our output any more
                os.killpg(self.running.pid, signal.SIGTERM)
            self.running = None
        if self.signal is not None:
            raise Failed(f"stopped by signal {self.signal}", lines)
        if status != 0:
            raise Failed(_reason(lines, command, status), lines)
        return lines


def say(line: str) -> None:
    """Print at once: the driver follows this output."""
    print(line, flush=True)


def scrub(line: str) -> str:
    """`line` without passwords in addresses and without the value of any secret of the environment."""
    line = re.sub(r"//[^/@\s]+@", "//", line)
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) >= 8:
            line = line.replace(value, f"<{name}>")
    return line


def work(commands: Commands, repository: str, commit: str, stage: str, remote: str | None, base: Path) -> None:
    """Clone, make the environment, fetch the data, run the stage, push."""
    home = base / stage
    home.mkdir(parents=True, exist_ok=True)
    with locked(home / "lock") as held:
        # Without a shared folder a restart on this machine still finds its checkpoints.
        state = Path(os.environ.get("LANDLOOM_STATE") or base / "state")
        keep_record(home / commit, state)
        clone = checked_out(commands, repository, commit, home / commit)
        python = environment(commands, clone, base)
        env = {"PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}", "PYTHONUNBUFFERED": "1"}
        env |= {"DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        env |= {"LANDLOOM_STATE": str(state), "LANDLOOM_KEEP_RUN": "1"}
        dvc = (python, "-m", "dvc")
        commands.run(*dvc, "cache", "dir", "--local", home / "cache", folder=clone, env=env)
        if remote:
            commands.run(*dvc, "remote", "add", "--local", "-d", "-f", "-q", "landloom", remote, folder=clone, env=env)

        # The clone's own code and environment read `dvc.yaml`; a bare Python cannot.
        reads = commands.run(python, "-m", "flows.elsewhere.needs", stage, folder=clone, env=env, quiet=True)
        if reads:
            say(f"fetching {', '.join(reads)}")
            commands.run(*dvc, "pull", "--force", "--quiet", *reads, folder=clone, env=env)
        if os.environ.get("LANDLOOM_NODE_RANK", "0") != "0":
            # Another node of the same training: it takes part, and the first node alone pushes the outputs.
            room, dataset = stage.split("@")
            commands.run(python, "-m", f"tasks.{room}", dataset, folder=clone, env=env, held=held)
            return
        repro = (*dvc, "repro", "--pull", "--single-item", stage)
        try:
            did = outcome(commands.run(*repro, "--allow-missing", folder=clone, env=env, held=held))
            if did == UNCHANGED:  # DVC only compared hashes; the remote may lack the outputs
                stored = commands.run(*dvc, "status", "--cloud", "--json", stage, folder=clone, env=env, quiet=True)
                if '"missing"' in "".join(stored):
                    say(f"{stage}: the remote lacks the outputs that the commit's dvc.lock names: they are made again")
                    did = outcome(commands.run(*repro, folder=clone, env=env, held=held))
        except Failed as error:
            told = [line for line in error.lines if line.startswith(f"{stage}: ")]  # as `tasks.runs.execute` says it
            if told and commands.signal is None:
                raise Refused(told[-1]) from None
            raise
        if did != UNCHANGED:
            # The run cache last: an entry there is useless without its outputs, and without the record the run is lost.
            sent = commands.run(*dvc, "push", stage, folder=clone, env=env, quiet=True)[-1]
            kept = commands.run(python, "-m", "flows.elsewhere.record", stage, state, folder=clone, env=env)[-1]
            commands.run(*dvc, "push", "--quiet", "--run-cache", stage, folder=clone, env=env)
            did = f"{did}; outputs: {sent.rstrip('.')}; {kept}"
        forget_checkpoints(clone)
        keep_record(clone, state)
        shutil.rmtree(clone)
    say(f"{stage} at {commit[:12]}: {did}")


def outcome(said: Sequence[str]) -> str:
    """What DVC did with a stage, by the lines that it printed."""
    return next((did for words, did in DID.items() if words in "\n".join(said)), "ran")


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a lock that the stage's processes inherit: it is free when the last of them has ended.

    So a second attempt on this machine waits for processes that a killed attempt left running, and two attempts never
    write the same checkpoints at the same time.
    """
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"an earlier attempt still runs in {path.parent}; waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream.fileno()


def checked_out(commands: Commands, repository: str, commit: str, clone: Path) -> Path:
    """A new clone of that one commit.

    It never reuses the clone of an earlier attempt: a kill can leave half a file or a lock of DVC in it. Data, outputs
    and checkpoints, which take time to make, lie outside the clone.
    """
    shutil.rmtree(clone, ignore_errors=True)
    clone.mkdir()
    say(f"cloning {scrub(repository)} at {commit[:12]}")
    git = ("git", "-c", "advice.detachedHead=false")
    commands.run(*git, "init", "--quiet", folder=clone)
    try:
        commands.run(*git, "fetch", "--quiet", "--depth", "1", repository, commit, folder=clone)
    except Failed:  # a server may refuse to send a commit by its id
        if commands.signal is not None:
            raise
        commands.run(*git, "fetch", "--quiet", "--tags", repository, "+refs/heads/*:refs/heads/*", folder=clone)
    commands.run(*git, "checkout", "--quiet", "--detach", commit, folder=clone)
    return clone


def environment(commands: Commands, clone: Path, base: Path) -> Path:
    """The interpreter: LANDLOOM_PYTHON if its lock file is the commit's, else an environment made once a lock."""
    lock = (clone / "requirements.lock").read_bytes()
    given = os.environ.get("LANDLOOM_PYTHON")
    if given:
        made_from = Path(given).parent.parent / "requirements.lock"  # the worker's image keeps it there
        if not made_from.exists() or made_from.read_bytes() == lock:
            return Path(given)
        say(f"{given} was made from another requirements.lock than this commit's")
    digest = hashlib.sha256(lock).hexdigest()
    folder = base / f"venv-{digest[:12]}"
    python = folder / "bin" / "python"
    with locked(base / f"{folder.name}.lock"):
        if not (folder / ".ready").exists():
            say(f"making the environment {folder}")
            commands.run(sys.executable, "-m", "venv", "--clear", folder, folder=clone)
            commands.run(python, "-m", "pip", "install", "--quiet", "-r", "requirements.lock", folder=clone)
            (folder / ".ready").touch()
    return python


def forget_checkpoints(clone: Path) -> None:
    """Remove the checkpoints of training that is finished and pushed."""
    for marked in (clone / ".landloom" / "spent").glob("[!.]*.json"):  # see tasks/core/spent.py
        shutil.rmtree(clone / json.loads(marked.read_text())["folder"], ignore_errors=True)


def keep_record(clone: Path, state: Path) -> None:
    """Move the record of an attempt that was not pushed out of its clone. It becomes part of the next attempt's run."""
    for journal in sorted((clone / ".landloom" / "kept").glob("*")):
        kept = state / "kept" / journal.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(journal, kept)
        say(f"the record of an attempt is kept in {kept}")


def _reason(lines: Sequence[str], command: Sequence[object], status: int) -> str:
    """The last line of the output that reports an error, else the command and its status."""
    told = [line for line in lines if line.startswith(("ERROR", "fatal", "error"))]
    told = told or lines[-1:] or [f"{' '.join(str(word) for word in command[:4])} ended with {status}"]
    return told[-1]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    env = {name: os.environ.get(f"LANDLOOM_{name.upper()}") for name in OPTIONS}
    for name, text in {
        "repository": "address or path to clone from",
        "commit": "the full id of a commit",
        "stage": "a stage of one dataset, as train@terrain",
    }.items():
        parser.add_argument(f"--{name}", default=env[name], required=not env[name], help=text)
    parser.add_argument("--remote", default=env["remote"], help="DVC remote; the repository's own when left out")
    default = env["work"] or str(Path.home() / ".cache" / "landloom")
    parser.add_argument("--work", default=default, help="folder for clones, data and environments")
    arguments = parser.parse_args()
    for name, form in {"commit": r"[0-9a-f]{40}", "stage": r"\w+@\w+", "repository": r"[^-].*"}.items():
        if not re.fullmatch(form, value := getattr(arguments, name)):
            parser.error(f"--{name}: {value!r} is not a {name}")
    if not {"LOGNAME", "USER"} & set(os.environ):  # a container's user id may have no name, and DVC asks for one
        os.environ["LOGNAME"] = f"user{os.getuid()}"
    commands, base = Commands(), Path(arguments.work).expanduser().resolve()
    try:
        work(commands, arguments.repository, arguments.commit, arguments.stage, arguments.remote, base)
    except Refused as error:
        say(f"refused: {error}")
        sys.exit(REFUSED)
    except (Failed, OSError) as error:
        say(f"failed: {scrub(str(error))}")
        sys.exit(128 + commands.signal if commands.signal else AGAIN)


if __name__ == "__main__":
    main()
