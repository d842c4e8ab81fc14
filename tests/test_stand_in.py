"""The stand-in of a GPU refuses what GPUs refuse, and computes what the CPU computes."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from helpers.networks.seeding import seeded


@pytest.fixture
def values():
    return torch.arange(12.0).view(3, 4)


@pytest.fixture
def there(values, stand_in):
    return values.to(stand_in)


def test_tensors_say_where_they_are(there, values, stand_in):
    assert there.device.type == stand_in
    assert there.shape == values.shape
    assert torch.equal(there.cpu(), values)
    assert there.cpu().device.type == "cpu"
    assert torch.tensor([1.0, 2.0], device=stand_in).tolist() == [1, 2]


@pytest.mark.parametrize("leave", [lambda a: a.numpy(), np.asarray, np.array])
def test_numpy_cannot_read_them(leave, there):
    with pytest.raises(TypeError, match="Use Tensor.cpu"):
        leave(there)


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, b: a + b,
        lambda a, b: b * a,
        lambda a, b: a @ b.T,
        lambda a, b: torch.cat([a, b]),
        lambda a, b: torch.where(b > 0, a, 0),
        lambda a, b: b[a[:, 0].long() % 3],
        lambda a, b: nn.functional.mse_loss(a, b),
        lambda a, b: nn.Linear(4, 1)(a),
        lambda a, b: torch.minimum(b, a),
        lambda a, b: b.add_(a),
    ],
)
def test_they_do_not_mix_with_those_of_the_cpu(operation, there, values):
    with pytest.raises(RuntimeError, match="same device"):
        operation(there, values)


def test_what_may_mix_on_a_gpu_may_here(there, values):
    assert torch.equal((there + values.sum()).cpu(), values + values.sum())
    assert torch.equal(there[torch.tensor([2, 0])].cpu(), values[[2, 0]])
    there[:1] = values[2:]
    assert torch.equal(there[0].cpu(), values[2])
    values[:1] = there[1:2]
    assert values[0].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(
    "operation",
    [
        lambda a: a.double(),
        lambda a: a.sum(0, dtype=torch.float64),
        lambda a: torch.zeros(2, dtype=torch.float64, device=a.device),
        lambda a: torch.zeros(2).double().to(a.device),
        lambda a: torch.tensor(np.zeros(2), device=a.device),
        lambda a: torch.arange(3, device=a.device) / torch.ones((), dtype=torch.float64)[None],
    ],
)
def test_there_is_no_float64(operation, there):
    with pytest.raises((TypeError, RuntimeError), match="float64|same device"):
        operation(there)


def test_a_generator_of_the_cpu_draws_nothing_there(stand_in):
    generator = torch.Generator().manual_seed(0)
    with pytest.raises(RuntimeError, match="generator"):
        torch.randn(3, generator=generator, device=stand_in)
    with pytest.raises(RuntimeError, match="generator"):
        torch.randperm(3, generator=generator, device=stand_in)


def test_views_share_their_numbers(there):
    row = there.view(2, 6)[1]
    row.mul_(2)
    assert there.flatten()[6:].tolist() == [12, 14, 16, 18, 20, 22]
    with torch.inference_mode():
        assert there.unfold(1, 2, 1).shape == (3, 3, 2)


def trained(device):
    with seeded(0):
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        net = net.append(nn.Linear(16, 2)).to(device).to(memory_format=torch.channels_last)
        optimiser = torch.optim.Adam(net.parameters(), 0.1, fused=True)
        for _ in range(3):
            loss = net(torch.rand(2, 3, 4, 4, device=device)).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net


def test_training_there_gives_the_cpus_numbers(stand_in):
    there, here = trained(stand_in), trained("cpu")
    twin = copy.deepcopy(there)
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in twin.parameters())
    for a, b, c in zip(there.parameters(), here.parameters(), twin.parameters(), strict=True):
        assert a.device.type == c.device.type == stand_in
        assert torch.equal(a.cpu(), b)
        assert torch.equal(a, c)


def test_files_bring_tensors_back_to_their_device_or_to_the_cpu(tmp_path, there, values):
    path = tmp_path / "file.pt"
    torch.save({"values": there}, path)
    for where in (None, "cpu"):
        again = torch.load(path, map_location=where)["values"]
        assert again.device.type == (where or there.device.type)
        assert torch.equal(again.cpu(), values)
    net = pickle.loads(pickle.dumps(trained(there.device)))
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in net.parameters())
    assert {value.device for value in net.state_dict().values()} == {there.device}
