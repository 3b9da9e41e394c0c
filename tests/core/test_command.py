"""Command lines whose output goes into a pipe, as `make params DATASET=terrain | head`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tasks.core.settings import ROOT

LEFT = """
import sys
from pathlib import Path
from tasks.core.command import told
with told():
    print("first", flush=True)
    sys.stdin.readline()  # until the reader has left
    for number in range(50_000):
        print(number)
    Path(sys.argv[1]).write_text("done")
"""


@pytest.mark.parametrize("options", [(), ("-u",)])
def test_a_reader_that_leaves_neither_ends_nor_fails_the_command(tmp_path, options):
    done = tmp_path / "done"
    pipe = subprocess.PIPE
    command = [sys.executable, *options, "-c", LEFT, done]
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as one:
        assert one.stdout.readline() == "first\n"
        one.stdout.close()
        one.stdin.write("\n")
        one.stdin.close()
        assert (one.stderr.read(), one.wait(timeout=60)) == ("", 0)
    assert done.read_text() == "done"


def test_an_error_is_told_on_one_line_and_what_was_printed_before_arrives():
    said = "from tasks.core.command import told; from tasks.core.errors import LandloomError\n"
    said += "with told(status=3):\n  print('ü' * 3)\n  raise LandloomError('terrain: mend it')"
    ended = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "üüü\n", "terrain: mend it\n")
