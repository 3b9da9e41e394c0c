"""A method is found only by the name of its folder."""

import subprocess
import sys

import pytest

import models
from models.core.record import method, methods
from tasks.core.settings import ROOT


def test_methods_are_the_folders_that_have_a_record():
    assert methods() == ["consistency", "dcgan", "stylegan2", "terrain_gan"]
    assert not [name for name in methods() if not (ROOT / "models" / name / "params.py").exists()]


@pytest.mark.parametrize("name", methods())
def test_a_record_is_found_by_its_name(name):
    record = method(name)
    params = record.params(name=name)
    assert record.name == params.name == name and record.product(params) in ("heights", "painting", "image")
    assert set(record.layers(params)) <= {"height", "color", "label", "caption"}


@pytest.mark.parametrize("name", ["magic", "core", "../tasks", ""])
def test_an_unknown_method_is_refused_with_those_there_are(name):
    with pytest.raises(ValueError, match=f"no method {name!r}; there are consistency, dcgan, stylegan2, terrain_gan"):
        method(name)


def test_a_new_folder_is_a_method_and_nothing_else_is_imported(tmp_path, monkeypatch):
    folder = tmp_path / "magic"
    folder.mkdir()
    (folder / "record.py").write_text("from types import SimpleNamespace\nMETHOD = SimpleNamespace(name='other')\n")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    assert methods() == ["consistency", "dcgan", "magic", "stylegan2", "terrain_gan"]
    with pytest.raises(ValueError, match="its name must be that of its folder"):
        method("magic")


def test_one_method_imports_no_other():
    for name in methods():
        others = ", ".join(repr(f"models.{other}") for other in methods() if other != name)
        code = f"import sys, models.{name}.record; assert not {{{others}}} & set(sys.modules)"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_parameters_of_methods_are_checked_without_torch_and_say_what_they_mean():
    for name in methods():
        code = f"import sys, models.{name}.params; assert not {{'torch', 'numpy'}} & set(sys.modules)"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        fields = method(name).params.model_fields
        assert not [key for key, field in fields.items() if key != "name" and not field.description]


def test_every_method_has_its_line_in_the_page_on_methods():
    page = (ROOT / "docs" / "methods.md").read_text()
    assert not [name for name in methods() if f"| `{name}` |" not in page]
