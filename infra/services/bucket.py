"""Make the bucket for MLflow's artifacts and DVC's remote, if it is missing.

python bucket.py     address and keys from AWS_*, the name from BUCKET
"""

from __future__ import annotations

import os
from typing import Any


def make(client: Any, name: str) -> None:
    """Make bucket `name`; an existing one stays as it is."""
    if name not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=name)


if __name__ == "__main__":
    import boto3

    make(boto3.client("s3"), os.environ["BUCKET"])
