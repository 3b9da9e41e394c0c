import shutil

import pytest
import torch

from models.core.checkpoint import Checkpoints, Snapshot


def snapshot(step):
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.RAdam(layer.parameters(), lr=1e-3)
    layer(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    return Snapshot({"networks": layer.state_dict()}, [optimizer.state_dict()], {"step": step, "curve": [0.1]})


def test_what_was_saved_comes_back(tmp_path):
    saved = snapshot(7)
    Checkpoints(tmp_path).save(saved)
    found = Checkpoints(tmp_path).latest()
    assert found.state == saved.state
    assert torch.equal(found.tensors["networks"]["weight"], saved.tensors["networks"]["weight"])
    average = found.optimizers[0]["state"][0]["exp_avg"]
    assert torch.equal(average, saved.optimizers[0]["state"][0]["exp_avg"])


def test_the_newest_two_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (5, 10, 100):
        checkpoints.save(snapshot(step))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000010", "step-00000100"]
    checkpoints.remove()
    assert checkpoints.latest() is None


@pytest.mark.parametrize("name", ["networks.safetensors", "optimizers.pt", "state.json"])
@pytest.mark.parametrize("harm", ["cut", "flipped", "gone"])
def test_a_damaged_one_is_passed_over(tmp_path, name, harm):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(snapshot(1))
    path = checkpoints.save(snapshot(2)) / name
    data = path.read_bytes()
    if harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "flipped":
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 128]) + data[middle + 1 :])
    else:
        path.unlink()
    with pytest.warns(UserWarning, match="damaged"):
        assert checkpoints.latest().state["step"] == 1


def test_half_a_checkpoint_is_none(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    shutil.move(checkpoints.save(snapshot(3)), tmp_path / ".step-00000003.part")  # killed before the rename
    assert checkpoints.latest() is None
    checkpoints.save(snapshot(3))
    assert checkpoints.latest().state["step"] == 3
