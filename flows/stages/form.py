"""The form of a flow in the Prefect UI."""

from __future__ import annotations

import inspect

from prefect import Flow


def hide(flow: Flow, *names: str) -> None:
    """Leave parameters out of the form that `prefect deploy` registers; calls can still give them.

    Prefect reads the form from the signature of the flow object, and binds arguments to that of its function.
    """
    signature = inspect.signature(flow)
    kept = [parameter for name, parameter in signature.parameters.items() if name not in names]
    flow.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    for name in names:
        del flow.parameters.properties[name]
