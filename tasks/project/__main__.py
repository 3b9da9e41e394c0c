"""`python -m tasks.project <dataset>`."""

from tasks.project.params import Params
from tasks.project.run import run
from tasks.runs.execute import main

if __name__ == "__main__":
    main("project", Params, run)
