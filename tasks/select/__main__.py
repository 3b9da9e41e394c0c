"""`python -m tasks.select <dataset>`."""

from tasks.runs.execute import main
from tasks.select.params import Params
from tasks.select.run import run

if __name__ == "__main__":
    main("select", Params, run)
