"""Licences: which partition a licence belongs to, read from its name, its URL or the words of a publisher.

A partition holds works that may be used together under one set of duties. A trained model or a set of shards that mixes
partitions owes the duties of all of them at once, so `shard` mixes none unless a person says so. The table below is no
legal advice: it sorts what publishers state. What it does not know is `unknown`, never `open`.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

Partition = Literal["open", "share_alike", "noncommercial", "no_derivatives", "service_terms", "unknown"]
"""The kinds of duties:

- `open`: any use, at most with attribution (CC0, public domain, CC BY, open government licences).
- `share_alike`: what is made from it must carry the same licence (CC BY-SA, ODbL).
- `noncommercial`: no commercial use (CC BY-NC, CC BY-NC-SA, the non-commercial rights statements).
- `no_derivatives`: no changed copies (CC BY-ND, CC BY-NC-ND). A crop is a changed copy.
- `service_terms`: the contract of a service decides, and forbids more than a licence does (Esri, Google, Bing).
- `unknown`: nothing usable is stated, or the work is in copyright.
"""
PARTITIONS: tuple[Partition, ...] = get_args(Partition)

_RULES: tuple[tuple[str, Partition], ...] = (
    # rightsstatements.org: twelve statements, of which four permit something.
    (r"rightsstatements\.org(/(vocab|page)/| )(noc-us|nkc)\b", "open"),
    (r"rightsstatements\.org(/(vocab|page)/| )(noc-nc|inc-nc)\b", "noncommercial"),
    (r"rightsstatements\.org", "unknown"),
    # Creative Commons by URL (creativecommons.org/licenses/by-nc-sa/4.0/) and by name (CC BY-NC-SA 4.0, cc-by-sa-3.0).
    # The strictest part decides, so the order matters: ND, NC, SA, BY.
    (r"\b(cc|creativecommons\S*|by)[-/ ](by[- ])?(nc[- ])?nd\b|no[- ]?deriv(ative|s)", "no_derivatives"),
    (r"\b(cc|creativecommons\S*|by)[-/ ](by[- ])?nc\b|non[- ]?commercial", "noncommercial"),
    (r"\b(cc|creativecommons\S*|by)[-/ ](by[- ])?sa\b|share[- ]?alike", "share_alike"),
    (r"\b(odbl|open database licen[cs]e|gfdl|gnu free documentation|free art licen[cs]e)|^fal\b", "share_alike"),
    (r"\b(l|a)?gpl\b|gnu (lesser |affero )?general public", "share_alike"),
    # Words of publishers that take something back are read before words that give.
    (r"\b(not|never|may not be|isn't|is no longer) (yet )?(in the )?public domain\b", "unknown"),
    (r"(may|might) be (protected|restricted|subject|under|in) .*(copyright|restrict|right)", "unknown"),
    (r"(rights|copyright) status (is )?(not evaluated|not known|unknown|undetermined)", "unknown"),
    (r"(?<!not )(?<!longer )(subject to|protected by|under) copyright|enter(s|ing)? the public domain", "unknown"),
    (r"pursuant to permission|(here|available) with permission|with (a )?few exceptions", "unknown"),
    (r"infringement|without permission|not permitted|\bnot without\b", "unknown"),
    (r"additional (terms|conditions|restrictions)", "unknown"),
    (r"public domain .*\b(only|except|elsewhere)\b|(copyright|restriction)s? .*\b(elsewhere|except)\b", "unknown"),
    (r"all rights reserved|rights? restricted|publication (is |may be )?restricted", "unknown"),
    (r"creativecommons\.org/(publicdomain|licenses/(by|publicdomain|zero))\b", "open"),
    (r"\bcc[- ]?(0|zero)\b|\bcc[- /]by\b|\bcc[- ]pd\b|\bpdm\b|creative commons zero", "open"),
    (r"^(by|attribution)$|creative commons attribution\b", "open"),
    # Services whose terms bind.
    (r"\b(esri|arcgis|google|bing|mapbox|maxar)\b.*\b(terms|agreement|licen[cs]e|use)\b", "service_terms"),
    (r"terms of (use|service)|master (licen[cs]e )?agreement|terms apply", "service_terms"),
    # Words of publishers that give.
    (r"no known (copyright|restriction)|no copyright|without restriction|free of (known )?copyright", "open"),
    (r"public domain|domaine public|gemeinfrei|^pd\b|\bpd-\w+|free to use and reuse", "open"),
    (r"(not|un)[- ]?aware of any (u\.?s\.? )?(copyright|restriction)", "open"),
    (r"(u\.?s\.?|united states) government work|work of the (u\.?s\.?|united states|federal) ", "open"),
    (r"copernicus .*(licen[cs]e|data|terms)|copernicus sentinel|for any use, with attribution", "open"),
    (r"open government licen[cs]e|\bogl\b|licence ouverte|etalab|dl-de[-/]by|dl-de[-/]zero|\bnlod\b", "open"),
    (r"\b(odc-by|pddl|apache-2\.0|(mit|bsd|apache) licen[cs]e)\b|^(mit|isc|bsd\S*|unlicense)$|^none needed", "open"),
)
_TABLE = tuple((re.compile(pattern, re.IGNORECASE), partition) for pattern, partition in _RULES)

_CC_URL = re.compile(r"creativecommons\.org/licenses/([a-z-]+)(?:/(\d\.\d))?", re.IGNORECASE)
_CC_MARK = re.compile(r"creativecommons\.org/publicdomain/(zero|mark)(?:/(\d\.\d))?", re.IGNORECASE)
_RIGHTS_URL = re.compile(r"rightsstatements\.org/(?:vocab|page)/([a-z-]+)", re.IGNORECASE)
_CC_CODE = re.compile(r"^(?:cc[- ])?(by(?:-nc)?(?:-sa|-nd)?|nc|sa)(?:[- ](\d\.\d))?$", re.IGNORECASE)
_MARKS = {
    "cc0": "CC0 1.0",
    "zero": "CC0 1.0",
    "cc-0": "CC0 1.0",
    "cc0-1.0": "CC0 1.0",
    "pdm": "Public Domain Mark 1.0",
    "mark": "Public Domain Mark 1.0",
    "pd": "public domain",
}


def partition_of(licence: str | None) -> Partition:
    """The partition of a licence: a name, a URL, or a sentence. `unknown` where nothing in it is known."""
    text = " ".join((licence or "").replace("_", "-").split())
    for pattern, partition in _TABLE:
        if pattern.search(text):
            return partition
    return "unknown"


def licence_name(licence: str | None, version: str | None = None) -> str:
    """The usual name of a licence given as a URL or as a code, such as `CC BY-SA 4.0`; other text as it is.

    Args:
        version: of the licence, where a service states it in a field of its own.
    """
    text = " ".join((licence or "").split())
    if found := _CC_URL.search(text):
        return _cc(found[1], found[2] or version)
    if found := _CC_MARK.search(text):
        return _MARKS[found[1].lower()]
    if found := _RIGHTS_URL.search(text):
        return f"rightsstatements.org {found[1]}"
    if text.lower() in _MARKS:
        return _MARKS[text.lower()]
    if found := _CC_CODE.match(text):
        return _cc(found[1], found[2] or version)
    return text or "not stated"


def _cc(code: str, version: str | None) -> str:
    return " ".join(["CC", code.upper(), *([version] if version else [])])
