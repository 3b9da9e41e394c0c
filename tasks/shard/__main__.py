"""`python -m tasks.shard <dataset>`."""

from tasks.runs.execute import main
from tasks.shard.params import Params
from tasks.shard.run import run

if __name__ == "__main__":
    main("shard", Params, run)
