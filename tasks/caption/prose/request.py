"""One request to the model, and the key of its content.

The key is a hash of all that decides the answer: the model, the instructions, the facts in words, the pixels, the form.
The address of the API and the limits of the budget are no part of it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import numpy as np

from tasks.caption.describer import Facts
from tasks.caption.prose.instructions import AGAIN_BYTES, SCHEMA, again, instructions, told
from tasks.caption.prose.picture import png
from tasks.caption.prose.settings import Api

FORM = {"type": "json_schema", "json_schema": {"name": "caption", "strict": True, "schema": SCHEMA}}


def request_key(facts: Facts, picture: np.ndarray, api: Api) -> str:
    """32 hexadecimal digits."""
    text = [api.model, instructions(facts), told(facts), FORM, api.picture_px, api.detail, api.most_tokens]
    text += [api.temperature, picture.shape]
    digest = hashlib.blake2b(json.dumps(text, sort_keys=True).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(picture).tobytes())  # pixels, because an encoder's bytes change with its version
    return digest.hexdigest()


def body(facts: Facts, picture: np.ndarray, api: Api, reasons: list[str]) -> dict[str, Any]:
    """The request as the API takes it.

    Args:
        reasons: why the last answer was rejected; empty the first time.
    """
    text = "\n\n".join([told(facts), again(reasons)] if reasons else [told(facts)])
    address = "data:image/png;base64," + base64.b64encode(png(picture, api.picture_px)).decode()
    made = {
        "model": api.model,
        "messages": [
            {"role": "system", "content": instructions(facts)},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": text},
                    {"type": "image_url", "image_url": {"url": address, "detail": api.detail}},
                ],
            },
        ],
        "response_format": FORM,
        api.limit_key: api.most_tokens,
    }
    return made if api.temperature is None else made | {"temperature": api.temperature}


def facts_bytes(facts: Facts) -> int:
    """Bytes of the part of a request that differs from others."""
    return len(told(facts).encode()) + AGAIN_BYTES


def text_bytes(facts: Facts) -> int:
    """Bytes of the text of a first request. A token has at least one byte, so there are no more tokens."""
    return sum(len(part.encode()) for part in (instructions(facts), told(facts), json.dumps(FORM)))
