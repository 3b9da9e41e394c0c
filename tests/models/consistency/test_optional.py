import importlib.util

import pytest

from tests.models.consistency.worded import made


@pytest.mark.parametrize(("name", "package"), [("wordllama", "wordllama"), ("clip", "transformers")])
def test_a_missing_optional_package_is_told_with_the_command_that_installs_it(name, package):
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(ValueError, match=f"text: the encoder {name} needs .*not installed: pip install {package}"):
        made(text={"name": name})
