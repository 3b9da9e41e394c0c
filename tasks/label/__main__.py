"""`python -m tasks.label <dataset>`."""

from tasks.core.stage import main
from tasks.label.params import Params
from tasks.label.run import run

if __name__ == "__main__":
    main("label", Params, run)
