"""`python -m tasks.report <dataset>`, and `python -m tasks.report --where`, which prints where the pages are."""

import sys

from tasks.core.command import told
from tasks.report.params import Params
from tasks.report.run import run
from tasks.report.where import where
from tasks.runs.execute import main

if __name__ == "__main__":
    if sys.argv[1:] == ["--where"]:
        with told():
            print(where())
    else:
        main("report", Params, run)
