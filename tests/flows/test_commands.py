"""Every module at the top of `flows/` is a command with `--help`."""

from __future__ import annotations

import importlib
import sys

import pytest

from tasks.core.settings import ROOT

COMMANDS = sorted(path.stem for path in (ROOT / "flows").glob("[!_]*.py"))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_top_level_module_is_a_command_with_help(name, monkeypatch, capsys):
    module = importlib.import_module(f"flows.{name}")
    monkeypatch.setattr(sys, "argv", [f"flows/{name}.py", "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert said.startswith("usage: ") and module.__doc__.splitlines()[0] in " ".join(said.split())
