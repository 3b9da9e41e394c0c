"""`python -m tasks.train <dataset>`."""

from tasks.runs.execute import main
from tasks.train.launch import spread
from tasks.train.params import Params
from tasks.train.run import run

if __name__ == "__main__":
    spread()
    main("train", Params, run)
