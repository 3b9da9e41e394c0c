"""Licences as publishers write them, and the partition and the name that each gets."""

from __future__ import annotations

import pytest

from tasks.formats.tables.licences import PARTITIONS, licence_name, partition_of

LOC = (
    "The maps in the Map Collections materials were either published prior to 1922, produced by the United States "
    "government, or both. The Library of Congress is providing access to these materials for educational and research "
    "purposes and is not aware of any U.S. copyright protection or any other restrictions in the Map Collection."
)


@pytest.mark.parametrize(
    ("partition", "texts"),
    [
        (
            "open",
            "CC0-1.0|cc0|pdm|by|CC BY 4.0|cc-by-2.0|https://creativecommons.org/licenses/by/4.0/deed.de|Public domain|"
            "PD-US|PD-old-100|http://rightsstatements.org/vocab/NoC-US/1.0/|https://rightsstatements.org/page/NKC/1.0/|"
            "http://creativecommons.org/publicdomain/mark/1.0/|No known restrictions on publication.|MIT|OGL v3.0|"
            "Not subject to copyright. Public domain.|"
            f"Copernicus DEM licence: free of charge for any use, with attribution|none needed: a constant|{LOC}|"
            "public domain (NASA/USGS SRTM), as distributed with matplotlib|Creative Commons Attribution 2.0",
        ),
        ("share_alike", "CC BY-SA 4.0|by-sa|cc_by_sa_3.0|ODbL|GFDL|Creative Commons Attribution-Share Alike 3.0"),
        (
            "noncommercial",
            "CC BY-NC 2.0|by-nc-sa|CC BY-NC-SA 3.0|http://creativecommons.org/licenses/by-nc/4.0/|"
            "http://rightsstatements.org/vocab/InC-NC/1.0/|For non-commercial use only",
        ),
        (
            "no_derivatives",
            "CC BY-ND 2.0|by-nc-nd|https://creativecommons.org/licenses/by-nc-nd/3.0/|"
            "Creative Commons Attribution-NonCommercial-NoDerivs 2.0",
        ),
        ("service_terms", "Esri Master License Agreement|Google Maps terms of use|Terms of Service"),
        (
            "unknown",
            "|not stated|x|proprietary|various|In copyright|http://rightsstatements.org/vocab/InC/1.0/|"
            "http://rightsstatements.org/vocab/CNE/1.0/|Publication may be restricted. See the curator.|"
            "Rights status not evaluated|Not in the public domain|All rights reserved|Licence 0|"
            "Many of these recordings will begin entering the public domain.|"
            "With a few exceptions, the Library is not aware of any U.S. copyright protection in the materials.|"
            "No known restrictions on most; a few items are subject to copyright.|"
            "No copyright infringement intended|Reuse without restriction is not permitted|Not without restriction|"
            "Public domain in the United States only; protected elsewhere|"
            "used without permission; no known restriction|"
            "No known copyright restrictions in the US, in copyright elsewhere|"
            "Creative Commons Attribution 4.0; additional terms apply|"
            "Abdruck mit freundlicher Genehmigung|Apache county map",
        ),
    ],
)
def test_partitions(partition, texts):
    assert {text: partition_of(text) for text in texts.split("|")} == dict.fromkeys(texts.split("|"), partition)
    assert partition in PARTITIONS


def test_what_is_not_stated_is_unknown():
    assert partition_of(None) == "unknown" and licence_name(None) == licence_name("  ") == "not stated"


@pytest.mark.parametrize(
    ("text", "version", "name"),
    [
        ("https://creativecommons.org/licenses/by-nc-sa/3.0/", None, "CC BY-NC-SA 3.0"),
        ("by-sa", "2.0", "CC BY-SA 2.0"),
        ("cc-by-4.0", None, "CC BY 4.0"),
        ("cc0", None, "CC0 1.0"),
        ("http://creativecommons.org/publicdomain/mark/1.0/", None, "Public Domain Mark 1.0"),
        ("http://rightsstatements.org/vocab/NoC-US/1.0/", None, "rightsstatements.org NoC-US"),
        ("No known  restrictions", None, "No known restrictions"),
    ],
)
def test_names(text, version, name):
    assert licence_name(text, version) == name
    assert partition_of(name) == partition_of(text), "a name says what its URL says"
