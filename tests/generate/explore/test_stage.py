"""The stage makes the parts that its parameters name, and the report shows them."""

import json

import pytest

from tasks.core.hashing import dvc_md5
from tasks.core.settings import validate
from tasks.generate.params import Params
from tasks.report.sample_cards import copy_samples
from tests.generate.explore.toys import dreamer
from tests.generate.test_run import generate

PARTS = {"mix": {"columns": 2, "rows": 2}, "film": {"points": 3, "between": 4}}
ONE = {"exports": [], "settings": {}, "steps": 1, "count": 2}


def test_the_stage_makes_parts_that_are_an_output_and_an_entry_of_the_report(tmp_path):
    data = dreamer(tmp_path)
    samples = generate(data, **ONE, explore=PARTS)
    first = dvc_md5(samples)
    index = json.loads((samples / "index.json").read_text())
    assert [part["part"] for part in index["explored"]] == ["mix", "film"]
    pictures = {path.name for path in (data / "pictures/generate").iterdir()}
    assert pictures == {"overview.png", "explore-mix.png", "explore-film.png"}
    assert dvc_md5(generate(data, **ONE, explore=PARTS)) == first
    (tmp_path / "page").mkdir()
    film = copy_samples(samples, tmp_path / "page")["explored"][1]
    assert film["films"] == ["samples/explore/film/film.mp4"] and "closed cubic spline" in film["text"]
    assert (tmp_path / "page/samples/explore/film/film.mp4").is_file()


@pytest.mark.parametrize(
    ("explore", "said"),
    [
        ({"flim": {}}, "there is no part 'flim'; there are directions, film, mix"),
        ({"film": {"points": 2}}, "explore.film.points"),
        ({"mix": {"cols": 3}}, "explore.mix.cols: unknown key"),
    ],
)
def test_a_mistake_names_its_key(explore, said):
    from tasks.core.errors import LandloomError

    with pytest.raises(LandloomError) as caught:
        validate(Params, {"explore": explore}, "datasets.toy.generate")
    assert said in str(caught.value)
