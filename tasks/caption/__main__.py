"""`python -m tasks.caption <dataset>`."""

from tasks.caption.params import Params
from tasks.caption.run import run
from tasks.runs.execute import main

if __name__ == "__main__":
    main("caption", Params, run)
