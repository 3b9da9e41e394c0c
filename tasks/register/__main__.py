"""`python -m tasks.register <dataset>`"""

from tasks.register.params import Params
from tasks.register.run import run
from tasks.runs.execute import main

if __name__ == "__main__":
    main("register", Params, run)
