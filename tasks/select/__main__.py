"""`python -m tasks.select <dataset>`."""

from tasks.select.params import Params
from tasks.select.run import run
from tasks.stage import main

if __name__ == "__main__":
    main("select", Params, run)
