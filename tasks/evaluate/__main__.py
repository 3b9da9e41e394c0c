"""`python -m tasks.evaluate <dataset>`."""

from tasks.core.stage import main
from tasks.evaluate.params import Params
from tasks.evaluate.run import run

if __name__ == "__main__":
    main("evaluate", Params, run)
