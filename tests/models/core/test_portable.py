"""torch's functions that MKL would compute come from numpy, with gradients as before."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.core import portable

pytestmark = pytest.mark.skipif(not portable.wanted(), reason="native arithmetic")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_square_roots_are_exact_in_every_form(dtype):
    x = torch.rand(5003, generator=torch.Generator().manual_seed(0), dtype=dtype)
    exact = torch.from_numpy(np.sqrt(x.numpy()))
    assert torch.equal(x.sqrt(), exact) and torch.equal(torch._foreach_sqrt([x])[0], exact)
    assert torch.equal(x.clone().sqrt_(), exact) and torch.equal(torch.sqrt(x, out=torch.empty_like(x)), exact)


@pytest.mark.parametrize("name", sorted(portable.FUNCTIONS))
def test_each_function_is_numpy_s_and_has_its_gradient(name):
    x = torch.linspace(0.05, 0.9, 24, dtype=torch.float64).view(4, 6)
    expected = portable.FUNCTIONS[name](x.numpy())
    assert np.array_equal(getattr(torch, name)(x).numpy(), expected)
    assert np.array_equal(getattr(torch, name)(x.t()).numpy(), expected.T)
    assert torch.autograd.gradcheck(getattr(torch, name), (x.clone().requires_grad_(),))


def test_other_types_and_shapes_keep_their_meaning():
    assert torch.sqrt(torch.tensor(4)).item() == 2 and torch.sqrt(torch.tensor(4)).dtype == torch.float32
    assert torch.ones(3, dtype=torch.bfloat16).exp().dtype == torch.bfloat16
    assert torch.empty(0, 3).log().shape == (0, 3) and torch.isnan(torch.tensor(-1.0).sqrt())
