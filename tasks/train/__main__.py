"""`python -m tasks.train <dataset>`."""

from tasks.train.launch import choose_arithmetic, spread

if __name__ == "__main__":
    spread()
    choose_arithmetic()

    from tasks.runs.execute import main
    from tasks.train.params import Params
    from tasks.train.run import run

    main("train", Params, run)
