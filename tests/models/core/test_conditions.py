"""Conditions are one mapping: unknown names are refused, missing ones are allowed."""

import numpy as np
import pytest
import torch

from models.core.conditions import checked
from models.core.method import Batch


def test_a_condition_that_is_missing_is_allowed_and_one_that_is_unknown_is_not():
    maps, words = np.zeros((2, 4, 4), np.uint8), np.array(["hills", "plain"], object)
    assert checked(None, ("labels",)) == checked({}, ("labels", "text")) == {}
    assert set(checked({"text": words, "labels": maps}, ("labels", "text"), 2)) == {"labels", "text"}
    with pytest.raises(ValueError, match="does not take the condition 'mask'; it takes labels, text"):
        checked({"mask": maps}, ("labels", "text"))
    with pytest.raises(ValueError, match="it takes none"):
        checked({"labels": maps}, ())
    with pytest.raises(ValueError, match="one entry for each of 3 samples"):
        checked({"labels": maps}, ("labels",), 3)


def test_a_batch_moves_with_its_conditions():
    batch = Batch({"image": torch.zeros(2, 1, 4, 4)}, {"labels": torch.zeros(2, 4, 4), "text": torch.zeros(2, 7)})
    moved = batch.to(torch.device("meta"))
    assert moved["image"].is_meta and all(value.is_meta for value in moved.conditions.values())
    assert list(moved.conditions) == ["labels", "text"]
