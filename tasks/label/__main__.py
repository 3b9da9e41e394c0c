"""`python -m tasks.label <dataset>`."""

from tasks.label.params import Params
from tasks.label.run import run
from tasks.runs.execute import main

if __name__ == "__main__":
    main("label", Params, run)
