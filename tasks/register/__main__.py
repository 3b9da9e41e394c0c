"""`python -m tasks.register <dataset>`"""

from tasks.core.stage import main
from tasks.register.params import Params
from tasks.register.run import run

if __name__ == "__main__":
    main("register", Params, run)
