"""Every command in the README and in docs/ is one that exists, with options that it takes.

Commands of this repository are parsed by their own parsers, DVC's by DVC's, targets of make by `make --dry-run`.
Programs that need more than this repository are listed with the reason why nothing is run.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import runpy
import shlex
import subprocess
import sys

import pytest
from dvc.cli.parser import get_main_parser

from tasks.core.dag import stage_names
from tasks.core.settings import ROOT, read
from tests.test_docs import PAGES

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*found in sys.modules:RuntimeWarning"
)  # a parser is asked several times

NOT_RUN = {
    "docker": "needs a container engine; tests/infra/test_compose.py reads the file",
    "dask": "a cluster of its own; tests/compute starts one",
    "openssl": "makes keys; tests/compute uses such keys",
    "eval": "a setting of the shell around a command that is parsed by itself",
    "export": "a setting of the shell",
    "source": "a file that another command writes",
    "(umask": "writes passwords; tests/infra/test_services.py makes its own",
    "mkdir": "makes a folder",
    "echo": "a part of the line before",
    "EC": "a part of the line after",
    "prefect": "talks to a server; tests/flows/test_here.py runs such commands",
    "mlflow": "talks to a server",
    "git": "a tool of its own",
    "npm": "a package manager of its own",
    "sky": "a tool of its own, which is not installed",
    "sbatch": "a tool of its own; tests/infra/test_slurm.py stands in for it",
}
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
MENTION = re.compile(r"`((?:python -m (?:tasks|models|flows|infra|tests)\.|make |dvc )[^`\n<>]*)`")


def commands(kind: re.Pattern[str]) -> list[tuple[str, str]]:
    """(page, command) of every command in blocks of shell lines, or in running text; without comments."""
    found = []
    for page in PAGES:
        for text in kind.findall(page.read_text()):
            for line in text.replace("\\\n", " ").splitlines():
                if command := re.sub(r"(^|\s)#.*", "", line).strip():
                    found.append((page.relative_to(ROOT).as_posix(), command))
    return list(dict.fromkeys(found))


class Parsed(Exception):
    """A command line was taken by its parser; nothing of it may run."""


@pytest.fixture
def only_parse(monkeypatch):
    original = argparse.ArgumentParser.parse_args

    def parse(self, *arguments, **options):
        original(self, *arguments, **options)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    return monkeypatch


@pytest.mark.parametrize(("page", "command"), commands(BLOCK), ids=lambda text: text[:60])
def test_a_command_of_a_block_is_taken_by_its_parser(page, command, only_parse):
    words = shlex.split(command)
    if words[:2] == ["python", "-m"]:
        only_parse.setattr(sys, "argv", words[2:])
        with pytest.raises(Parsed):
            runpy.run_module(words[2], run_name="__main__")
    elif words[0] == "make":
        make(*words[1:])
    elif words[0] == "dvc":
        only_parse.undo()
        get_main_parser().parse_args(words[1:])
        if words[1] == "repro":
            known = {f"{stage}@{dataset}" for stage in stage_names(ROOT) for dataset in read()["datasets"]}
            assert {word for word in words if "@" in word} <= known
    else:
        assert words[0].partition("=")[0] in NOT_RUN, f"{page}: check `{command}`, or say in NOT_RUN why it cannot be"


@pytest.mark.parametrize(("page", "command"), commands(MENTION), ids=lambda text: text[:60])
def test_a_command_named_in_the_text_exists_with_its_options(page, command, monkeypatch, capsys):
    """Such a command may be cut short, as `dvc exp run -S`."""
    words = command.split()
    options = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z-]+(=.*)?", word)}
    if words[0] == "make":
        make(words[1])
        return
    with pytest.raises(SystemExit) as ended:
        if words[0] == "dvc":
            inner = list(itertools.takewhile(str.isalpha, words[1:]))
            get_main_parser().parse_args([*inner[: 2 if inner[0] in GROUPS else 1], "--help"])
        else:
            monkeypatch.setattr(sys, "argv", [words[2], "--help"])
            runpy.run_module(words[2], run_name="__main__")
    assert not ended.value.code and options <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out))


GROUPS = ("exp", "plots", "metrics", "params", "remote", "cache", "config", "stage", "experiments")


def make(*words: str) -> None:
    done = subprocess.run(["make", "--dry-run", *words], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_commands_are_found_in_blocks_and_in_the_text():
    blocks, text = ({command for _, command in commands(kind)} for kind in (BLOCK, MENTION))
    assert {"make demo", "dvc repro"} <= blocks and len(blocks) > 50
    assert {"python -m flows.unsent", "make ui"} <= text and len(text) > 30
