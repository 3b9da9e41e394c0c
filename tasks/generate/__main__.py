"""`python -m tasks.generate <dataset>`"""

from tasks.generate.params import Params
from tasks.generate.run import run
from tasks.stage import main

if __name__ == "__main__":
    main("generate", Params, run)
