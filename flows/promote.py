"""Give an alias of a model to one of its versions, by hand.

    python -m flows.promote models:/terrain/4                       candidate, the alias that `register` moves
    python -m flows.promote models:/terrain/4 --alias champion

`register.alias` in params.yaml says when `register` moves an alias by itself: to a better version, or never.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from flows.history.runs import Runs
from tasks.core.command import told
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT


def promote(name: str, alias: str, root: Path = ROOT) -> str:
    """Move `alias` to the version `name`; returns a sentence with the headline metrics of both versions.

    Raises:
        LandloomError: there is no such version, or MLflow is away or refuses the alias.
    """
    from mlflow.exceptions import MlflowException

    runs = Runs(root)
    version = runs.version(name)
    number = dict(runs.client.get_registered_model(version.name).aliases).get(alias)
    if str(number) == str(version.version):
        return f"{alias} is {_named(version)} already"
    try:
        runs.client.set_registered_model_alias(version.name, alias, version.version)
    except MlflowException as error:
        raise LandloomError(f"--alias {alias}: {str(error).splitlines()[0]}") from None
    before = "" if number is None else f"; before, it was {_named(runs.version(f'models:/{version.name}/{number}'))}"
    return f"{alias} is now {_named(version)}{before}"


def _named(version: Any) -> str:
    """A version with its headline metric, if `register` recorded one."""
    tags = version.tags
    worth = f" ({tags['headline']} {float(tags['headline.value']):.4g})" if "headline.value" in tags else ""
    return f"models:/{version.name}/{version.version}{worth}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.promote", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", help="models:/NAME/VERSION")
    parser.add_argument("--alias", default="candidate", help="the alias (%(default)s)")
    given = parser.parse_args()
    with told():
        print(promote(given.version, given.alias))


if __name__ == "__main__":
    main()
