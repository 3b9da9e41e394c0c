"""`python -m tasks.train <dataset>`."""

from tasks.stage import main
from tasks.train.params import Params
from tasks.train.run import run

if __name__ == "__main__":
    main("train", Params, run)
