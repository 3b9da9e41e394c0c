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


def test_complex_tensors_keep_their_imaginary_part():
    z = torch.tensor([1 + 2j, -0.5 + 0.25j], dtype=torch.complex64)
    for name in ("exp", "sqrt", "log", "cos", "sin", "tan"):
        found = getattr(torch, name)(z)
        assert found.dtype == torch.complex64
        assert np.allclose(found.numpy(), getattr(np, name)(z.numpy()), rtol=1e-6)
    assert np.allclose(torch.exp(z.conj()).numpy(), np.exp(z.numpy().conj()), rtol=1e-6)


def test_whole_numbers_are_never_written_over_by_fractions():
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.tensor([2, 3]).sqrt_()
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.exp(torch.tensor([1.0]), out=torch.empty(1, dtype=torch.int64))
    assert torch.exp(torch.tensor([1.0]), out=torch.empty(1, dtype=torch.float64)).dtype == torch.float64
