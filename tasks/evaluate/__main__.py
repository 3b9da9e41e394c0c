"""`python -m tasks.evaluate <dataset>`."""

from tasks.evaluate.params import Params
from tasks.evaluate.run import run
from tasks.runs.execute import main

if __name__ == "__main__":
    main("evaluate", Params, run)
