"""Discriminated unions of folders: members are found by name and imported only if chosen."""

from __future__ import annotations

import sys

import pytest

from tasks.core.errors import LandloomError
from tasks.core.settings import Strict, choices, chosen, validate

PARAMS = """
from typing import Literal
from tasks.core.settings import Strict

class Params(Strict):
    name: Literal["{name}"]
    size: int = 3
    """


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Two valid folders, the folder `broken` whose import fails, and a folder without parameters."""
    root = tmp_path / "shelf"
    for name in ("large", "small", "broken", "shared"):
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").touch()
    (root / "__init__.py").touch()
    for name in ("large", "small"):
        (root / name / "params.py").write_text(PARAMS.format(name=name))
    (root / "broken" / "params.py").write_text("import no_such_module")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "shelf"
    for name in [name for name in sys.modules if name.partition(".")[0] == "shelf"]:
        del sys.modules[name]


@pytest.fixture
def model(package):
    class Params(Strict):
        method: chosen(package, "name")

    return Params


def test_the_named_folder_alone_is_loaded(package, model):
    method = validate(model, {"method": {"name": "small"}}, "").method
    assert (method.name, method.size) == ("small", 3)
    assert type(method).__module__ == "shelf.small.params"
    assert "shelf.large.params" not in sys.modules
    assert choices(package) == ["broken", "large", "small"]


def test_a_model_instance_is_accepted_and_dumped_whole(model):
    built = model(method={"name": "large", "size": 9})
    assert model(method=built.method) == built
    assert built.model_dump(mode="json") == {"method": {"name": "large", "size": 9}}
    assert model.model_validate(built.model_dump()) == built


@pytest.mark.parametrize(
    "value, told",
    [
        ({"name": "huge"}, r"^params.yaml: a.method.name: .*there are broken, large, small"),
        ({"name": "shared"}, r"^params.yaml: a.method.name: .*there are broken, large, small"),
        ({"name": "large.params"}, r"^params.yaml: a.method.name: "),
        ({"name": ["large"]}, r"^params.yaml: a.method.name: "),
        ({}, r"^params.yaml: a.method.name: this key is missing"),
        ("large", r"^params.yaml: a.method: must be a mapping with the key `name`"),
        ({"name": "large", "sise": 1}, r"^params.yaml: a.method.sise: unknown key"),
        ({"name": "large", "size": "wide"}, r"^params.yaml: a.method.size: .*integer"),
    ],
)
def test_a_mistake_is_reported_with_its_path(model, value, told):
    with pytest.raises(LandloomError, match=told) as error:
        validate(model, {"method": value}, "a")
    assert "\n" not in str(error.value)


def test_a_string_below_a_field_is_its_description():
    class Params(Strict):
        gsd: float = 90.0
        """Metres a pixel."""

    assert Params.model_fields["gsd"].description == "Metres a pixel."
