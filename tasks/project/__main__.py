"""`python -m tasks.project <dataset>`."""

from tasks.core.stage import main
from tasks.project.params import Params
from tasks.project.run import run

if __name__ == "__main__":
    main("project", Params, run)
