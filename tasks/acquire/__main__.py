"""`python -m tasks.acquire <dataset>`: see `run`."""

from tasks.acquire.params import Params
from tasks.acquire.run import run
from tasks.runs.execute import main

if __name__ == "__main__":
    main("acquire", Params, run)
