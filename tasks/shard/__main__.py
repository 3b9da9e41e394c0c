"""`python -m tasks.shard <dataset>`."""

from tasks.shard.params import Params
from tasks.shard.run import run
from tasks.stage import main

if __name__ == "__main__":
    main("shard", Params, run)
