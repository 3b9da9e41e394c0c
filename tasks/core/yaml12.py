"""YAML as DVC reads it: version 1.2, by libyaml where it is there.

PyYAML reads version 1.1, where `no` and `on` are truth values, `012` is ten and `1:30` is ninety. DVC reads words and
numbers there as a person does. Both must read the same values, or a dataset called `no` has two names.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast
_TAG = "tag:yaml.org,2002:"
_SCALARS = {  # YAML 1.2.2, section 10.3.2, and the underscores that ruamel.yaml allows
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?0b[01_]+|[-+]?0o[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?[0-9][0-9_]*", "-+0123456789"),
    "float": (
        r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
}


class _Loader(_BASE):
    """Resolves plain scalars by version 1.2."""

    yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in pairs if tag.removeprefix(_TAG) not in (*_SCALARS, "timestamp")]
        for first, pairs in _BASE.yaml_implicit_resolvers.items()
    }

    def construct_int(self, node: yaml.ScalarNode) -> int:
        """`012` is twelve; `0o14` is too."""
        text = node.value.replace("_", "")
        return int(text, 0) if re.match(r"[-+]?0[box]", text) else int(text)


for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_constructor(f"{_TAG}int", _Loader.construct_int)


def load(text: str) -> Any:
    """Return the value of a YAML text.

    Raises:
        yaml.YAMLError: it is not valid.
    """
    return yaml.load(text, _Loader)


def words(text: str) -> dict[Any, str]:
    """Return the keys of the mapping `datasets` as they are written, by the value that YAML gives them."""
    root = yaml.compose(text, _Loader)
    for key, value in root.value if isinstance(root, yaml.MappingNode) else []:
        if key.value == "datasets" and isinstance(value, yaml.MappingNode):
            names = [(key.value, key.style in ("'", '"')) for key, _ in value.value]
            return {name if quoted else load(name): name for name, quoted in names}
    return {}
