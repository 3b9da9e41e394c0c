"""The third-party modules that a bundle requires of the machine that runs it."""

from __future__ import annotations

from flows.bundles.imports import strangers
from tasks.core.settings import ROOT

OPTIONAL = """
import torch


def read():
    try:
        from tokens_of_a_variant import Reader
    except {handled}:
        raise ValueError("install tokens_of_a_variant")
    import always_needed
"""


def test_a_module_of_a_variant_is_required_only_where_the_parameters_choose_the_variant(tmp_path):
    for handled in ("ImportError", "ModuleNotFoundError", "(OSError, ImportError) as error"):
        path = tmp_path / "models" / "texts" / "variant" / "encoder.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(OPTIONAL.format(handled=handled))
        assert strangers([path], tmp_path) == {"torch", "always_needed"}
        assert strangers([path], tmp_path, {"variant", "other"}) == {"torch", "always_needed", "tokens_of_a_variant"}
    path.write_text(OPTIONAL.format(handled="OSError"))
    assert strangers([path], tmp_path) == {"torch", "always_needed", "tokens_of_a_variant"}


def test_encoders_of_texts_require_their_packages_only_when_chosen():
    encoders = list((ROOT / "models/consistency/text").rglob("*.py"))
    assert not strangers(encoders, ROOT, {"vocabulary"}) & {"transformers", "tokenizers"}
    assert "transformers" in strangers(encoders, ROOT, {"clip"}) - strangers(encoders, ROOT, {"wordllama"})
