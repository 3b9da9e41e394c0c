"""Addresses of objects in public buckets, as the storage and alternate-assets extensions of STAC describe them."""

from __future__ import annotations

import pytest

from tasks.acquire.common.source import Refusal
from tasks.acquire.common.stac.addresses import web_address

CELL = "Copernicus_DSM_COG_10_N46_00_E008_00_DEM"
SCHEMES = {
    "aws": {"type": "aws-s3", "platform": "https://{bucket}.s3.{region}.amazonaws.com", "region": "us-west-2"},
    "eodata": {"type": "custom-s3", "platform": "https://eodata.example.eu"},
    "paid": {"type": "aws-s3", "platform": "https://{bucket}.s3.{region}.amazonaws.com", "requester_pays": True},
}


def address(href: str, asset: dict | None = None, endpoint: str | None = None, **properties: object) -> str:
    return web_address({"properties": properties}, {"href": href, **(asset or {})}, "https://root.example", endpoint)


@pytest.mark.parametrize(
    ("href", "asset", "properties", "url"),
    [
        (f"s3://copernicus-dem-30m/{CELL}/{CELL}.tif", {}, {}, f"https://copernicus-dem-30m.s3.amazonaws.com/{CELL}/{CELL}.tif"),
        ("s3://b-1/a.tif", {}, {"storage:platform": "AWS", "storage:region": "eu-central-1"}, "https://b-1.s3.eu-central-1.amazonaws.com/a.tif"),
        ("s3://b-1/a.tif", {"storage:region": "us-west-2"}, {"storage:region": "x"}, "https://b-1.s3.us-west-2.amazonaws.com/a.tif"),
        ("s3://b.dots/a b+#%.tif", {}, {}, "https://s3.amazonaws.com/b.dots/a%20b+%23%25.tif"),
        ("s3://b-1/a.tif", {"storage:refs": ["aws"]}, {"storage:schemes": SCHEMES}, "https://b-1.s3.us-west-2.amazonaws.com/a.tif"),
        ("s3://eodata/a.tif", {"storage:refs": ["eodata"]}, {"storage:schemes": SCHEMES}, "https://eodata.example.eu/eodata/a.tif"),
        ("s3://b-1/a.tif", {"alternate": {"https": {"href": "https://mirror.example/a.tif"}}}, {}, "https://mirror.example/a.tif"),
        ("gs://b-1/deep/a.tif", {}, {}, "https://storage.googleapis.com/b-1/deep/a.tif"),
        ("https://plain.example/a.tif?x=1", {}, {"storage:requester_pays": True}, "https://plain.example/a.tif?x=1"),
    ],
)  # fmt: skip
def test_the_https_form_of_an_object(href, asset, properties, url):
    assert address(href, asset, **properties) == url


def test_a_named_endpoint_wins():
    assert address("s3://b-1/a.tif", None, "https://store.example/") == "https://store.example/b-1/a.tif"


@pytest.mark.parametrize(
    ("href", "asset", "properties", "reason"),
    [
        ("s3://usgs-landsat/a.TIF", {"storage:requester_pays": True}, {}, r"whose reader pays \(s3://usgs-landsat\)"),
        ("s3://b-1/a.tif", {"storage:refs": ["paid"]}, {"storage:schemes": SCHEMES}, "whose reader pays"),
        ("s3://b-1/../../etc/passwd", {}, {}, "leaves its folder"),
        ("s3://evil.example@host/a.tif", {}, {}, "names no object"),
        ("s3://bucket", {}, {}, "names no object"),
        ("file:///etc/passwd", {}, {}, "not http or https"),
    ],
)
def test_objects_that_are_not_free_or_not_safe(href, asset, properties, reason):
    with pytest.raises(Refusal, match=reason):
        address(href, asset, **properties)
