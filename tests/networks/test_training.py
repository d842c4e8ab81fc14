"""The training loop: it minimises, repeats, resumes, and stops cleanly."""

import errno
import functools
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from helpers.errors import DataError
from helpers.machine import Machine, this_machine
from helpers.networks.normalisation import settle_normalisation
from helpers.networks.seeding import seeded
from helpers.networks.training import DivergedError, TrainingSettings, train

CPU = Machine("cpu", "float32")


def images(count=10, side=8):
    return np.random.default_rng(0).integers(0, 256, (count, 3, side, side), dtype=np.uint8)


def network():
    with seeded(1):
        return nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.2), nn.Conv2d(4, 3, 1)
        )


def squared_error(model, batch):
    return ((model(batch).float() - batch) ** 2).mean()


def weights(model):
    return torch.cat([value.flatten().float() for value in model.state_dict().values()])


def run(epochs=4, seed=0, **kwargs):
    model = network()
    settings = TrainingSettings(epochs=epochs, batch_size=4, learning_rate=1e-2, seed=seed)
    history = train(model, images(), squared_error, settings, machine=CPU, **kwargs)
    return model, history


class OneWeight(nn.Module):
    """Multiply by one number, so that a training step can be worked out by hand."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, batch):
        return self.weight * batch


def test_the_first_adam_step_moves_by_the_learning_rate():
    # Adam's first step is lr · g / (|g| + ε): the learning rate, against the gradient's sign.
    model = OneWeight()
    white = np.full((4, 3, 8, 8), 255, np.uint8)
    settings = TrainingSettings(epochs=1, batch_size=4, learning_rate=0.125)
    history = train(model, white, squared_error, settings, machine=CPU)
    assert history.losses == (1.0,)  # (2·1 − 1)²
    assert model.weight.item() == pytest.approx(2.0 - 0.125, abs=1e-6)


def test_the_epoch_loss_weighs_a_short_last_batch_by_its_images():
    # Three white images and one black one, in batches of 3 and 1: the mean is over images.
    mixed = np.stack([np.full((3, 8, 8), v, np.uint8) for v in (255, 255, 255, 0)])
    seen = []

    def loss(model, batch):
        seen.append(len(batch))
        return (model.weight * 0 + batch).mean()

    settings = TrainingSettings(epochs=1, batch_size=3, learning_rate=1e-3)
    history = train(OneWeight(), mixed, loss, settings, machine=CPU)
    assert seen == [3, 1]
    assert history.losses[0] == pytest.approx(0.75)


def test_the_loss_falls():
    _, history = run(epochs=8)
    assert history.losses[-1] < 0.5 * history.losses[0]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    first, second, other = run()[0], run()[0], run(seed=1)[0]
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


def test_training_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_the_model_ends_in_evaluation_mode():
    assert not run(epochs=1)[0].training


def test_a_resumed_run_ends_with_the_same_weights(tmp_path):
    checkpoint = tmp_path / "run.pt"
    straight, history = run(epochs=5)
    run(epochs=2, checkpoint=checkpoint)
    resumed, rest = run(epochs=5, checkpoint=checkpoint)
    assert torch.equal(weights(straight), weights(resumed))
    assert rest.losses == history.losses


def test_a_killed_process_resumes_with_the_same_weights(tmp_path):
    checkpoint = tmp_path / "run.pt"
    script = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from tests.networks.test_training import run, squared_error
        import helpers.networks.training as training
        save, count = training.save_checkpoint, 0
        def kill_in_the_third_epoch(*args):
            global count
            count += 1
            if count == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            save(*args)
        training.save_checkpoint = kill_in_the_third_epoch
        run(epochs=5, checkpoint=Path({str(checkpoint)!r}))
    """)
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    resumed, history = run(epochs=5, checkpoint=checkpoint)
    assert len(history.losses) == 5
    assert torch.equal(weights(resumed), weights(run(epochs=5)[0]))


def test_a_spent_budget_ends_the_run_after_the_epoch():
    model = network()
    settings = TrainingSettings(epochs=10_000, batch_size=4, learning_rate=1e-2, seconds=1e-9)
    history = train(model, images(), squared_error, settings, machine=CPU)
    assert history.ended_by == "budget"
    assert len(history.losses) == 1


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_budget_of_nothing_is_refused(seconds):
    with pytest.raises(ValueError, match="seconds must be more than 0, or None for no budget"):
        TrainingSettings(seconds=seconds)


def test_reduced_precision_gives_nearly_the_same_curve():
    curves = []
    for precision in ("float32", "bfloat16"):
        settings = TrainingSettings(epochs=4, batch_size=4, learning_rate=1e-2)
        machine = Machine("cpu", precision)
        curves.append(train(network(), images(), squared_error, settings, machine=machine).losses)
    np.testing.assert_allclose(*curves, rtol=0.02)


def test_a_diverging_loss_keeps_the_last_good_epoch():
    model = network()
    settings = TrainingSettings(epochs=6, batch_size=4, learning_rate=1e-2)
    calls = 0

    def breaks_in_the_third_epoch(model, batch):
        nonlocal calls
        calls += 1
        return squared_error(model, batch) * (float("nan") if calls > 7 else 1.0)

    with pytest.raises(DivergedError, match="learning rate below"):
        train(model, images(), breaks_in_the_third_epoch, settings, machine=CPU)
    assert torch.equal(weights(model), weights(run(epochs=2)[0]))


class Planted:
    """Unpickling this would run code."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


@pytest.mark.parametrize("kind", ["text", "truncated", "code", "other model"])
def test_a_bad_checkpoint_is_named_and_kept(tmp_path, kind):
    checkpoint = tmp_path / "run.pt"
    if kind == "text":
        checkpoint.write_text("not a checkpoint")
    elif kind == "code":
        torch.save(Planted(), checkpoint)
    elif kind == "other model":
        settings = TrainingSettings(epochs=1, batch_size=4, learning_rate=1e-2)
        train(OneWeight(), images(), squared_error, settings, machine=CPU, checkpoint=checkpoint)
    else:
        run(epochs=1, checkpoint=checkpoint)
        checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    before = checkpoint.read_bytes()
    with pytest.raises(DataError, match=r"run\.pt is not a checkpoint of this model.*Delete it"):
        run(epochs=2, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == before


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    checkpoint = tmp_path / "run.pt"
    run(epochs=1, checkpoint=checkpoint)
    with pytest.raises(DataError, match=r"run\.pt belongs to a run with other settings"):
        run(epochs=2, seed=3, checkpoint=checkpoint)


def scaled_error(factor):
    def loss(model, batch):
        return factor * squared_error(model, batch)

    return loss


def absolute_error(model, batch):
    return (model(batch).float() - batch).abs().mean()


@pytest.mark.parametrize(
    ("other", "changed"),
    [
        ({"pictures": np.ascontiguousarray(images()[:, :, ::-1])}, "images"),
        ({"pictures": images(9)}, "images"),
        ({"loss": absolute_error}, "loss"),
        ({"loss": scaled_error(2)}, "loss"),
        ({"loss": functools.partial(squared_error)}, "loss"),
        ({"method": TrainingSettings(learning_rate=0.5)}, "settings"),
        ({"learning_rate": 2e-2}, "settings"),
        ({"batch_size": 5}, "settings"),
        ({"activation": nn.ReLU()}, "model"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_says_what_differs(tmp_path, other, changed):
    def go(epochs, pictures=None, loss=None, method=None, activation=None, **more):
        model = nn.Sequential(network(), activation or nn.Tanh())
        pictures, loss = images() if pictures is None else pictures, loss or scaled_error(1)
        settings = TrainingSettings(epochs, **({"batch_size": 4, "learning_rate": 1e-2} | more))
        return train(
            model, pictures, loss, settings, machine=CPU, checkpoint=tmp_path / "run.pt",
            method=method,
        )  # fmt: skip

    go(1)
    with pytest.raises(DataError, match=rf"run\.pt belongs to a run with other {changed}\. Delete"):
        go(2, **other)
    assert len(go(2).losses) == 2


def test_a_checkpoint_that_is_further_than_asked_is_refused(tmp_path):
    run(epochs=3, checkpoint=tmp_path / "run.pt")
    assert len(run(epochs=3, checkpoint=str(tmp_path / "run.pt"))[1].losses) == 3
    with pytest.raises(DataError, match=r"3 epochs behind it, more than the 2 asked for"):
        run(epochs=2, checkpoint=tmp_path / "run.pt")


def zero_bytes(path):
    path.write_bytes(b"")


def changed(change):
    def spoil(path):
        state = torch.load(path, weights_only=True)
        change(state)
        torch.save(state, path)

    return spoil


def legacy(path):
    state = torch.load(path, weights_only=True)
    torch.save(state, path, _use_new_zipfile_serialization=False)


def packed(path):
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def flipped_bit(path):
    content = bytearray(path.read_bytes())
    number = torch.load(path, weights_only=True)["model"]["3.weight"].numpy()[0, :2].tobytes()
    content[content.index(number) + 1] ^= 1
    path.write_bytes(content)


def moments(state):
    return state["optimiser"]["state"]


# One number that claims to be a million millions.
ENDLESS = torch.zeros(1).expand(10**12)
SPOILT = {
    "zero bytes": zero_bytes,
    "moments of another shape": changed(
        lambda s: moments(s)[0].update(exp_avg=torch.zeros(2), exp_avg_sq=torch.zeros(2))
    ),
    "moments in 16 bits": changed(
        lambda s: moments(s)[0].update(exp_avg=torch.zeros(4, 3, 3, 3).half())
    ),
    "moments missing": changed(lambda s: moments(s)[0].pop("exp_avg_sq")),
    "moments of other weights": changed(lambda s: moments(s).update({99: moments(s)[0]})),
    "moments that are text": changed(lambda s: moments(s)[0].update(exp_avg="many")),
    "no optimiser": changed(lambda s: s.pop("optimiser")),
    "no identity": changed(lambda s: s.pop("identity")),
    "a list": changed(lambda s: s.update(model=[1, 2])),
    "weights of another shape": changed(lambda s: s["model"].update({"0.weight": torch.zeros(1)})),
    "weights that are not finite": changed(lambda s: s["model"]["0.weight"].fill_(float("nan"))),
    "losses that are not finite": changed(lambda s: s.update(losses=[float("nan")])),
    "losses that are text": changed(lambda s: s.update(losses=["low"])),
    "less than no time": changed(lambda s: s.update(seconds=-1.0)),
    **{
        f"an endless {part}": changed(lambda s, part=part: s.update({part: ENDLESS}))
        for part in ("model", "optimiser", "identity", "losses", "seconds")
    },
    "endless moments": changed(lambda s: s["optimiser"].update(state=ENDLESS)),
    "endless moments of one weight": changed(lambda s: moments(s).update({0: ENDLESS})),
    "a long name": changed(lambda s: s["model"].update({"0" * 10_000: torch.zeros(1)})),
    "the format of old": legacy,
    "a packed archive": packed,
    "a flipped bit": flipped_bit,
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_checkpoint_is_refused_and_changes_nothing(tmp_path, spoil):
    path = tmp_path / "run.pt"
    run(epochs=1, checkpoint=path)
    spoil(path)
    before, model = path.read_bytes(), network()
    settings = TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-2)
    with pytest.raises(DataError, match=r"run\.pt is not a checkpoint of this model: .+ Delete it"):
        train(model, images(), squared_error, settings, machine=CPU, checkpoint=path)
    assert torch.equal(weights(model), weights(network()))
    assert path.read_bytes() == before


def test_moments_are_laid_out_as_their_weights(tmp_path):
    # One number that claims to be many: read as it lies, it would lead out of its memory.
    path = tmp_path / "run.pt"
    run(epochs=1, checkpoint=path)
    thin = torch.zeros(1, 1, 1, 1).expand(4, 3, 3, 3)
    changed(lambda s: moments(s)[0].update(exp_avg=thin, exp_avg_sq=thin))(path)
    _, history = run(epochs=3, checkpoint=path)
    assert np.isfinite(history.losses).all()


def test_a_full_disk_names_the_checkpoint_and_keeps_the_one_before(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    run(epochs=1, checkpoint=path)
    before = path.read_bytes()

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match=r"run\.pt cannot be written: No space left"):
        run(epochs=2, checkpoint=path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["run.pt"]


class Jump(torch.autograd.Function):
    """Pass a loss on; its gradient is not a number."""

    @staticmethod
    def forward(ctx, value):
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float("nan")


def test_weights_spoilt_by_the_last_step_are_not_kept(tmp_path):
    path, calls = tmp_path / "run.pt", []

    def loss(model, batch):
        calls.append(0)
        value = squared_error(model, batch)
        return Jump.apply(value) if len(calls) == 6 else value  # the last step of epoch 2

    model = network()
    settings = TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-2)
    with pytest.raises(DivergedError, match="a weight became NaN or infinite"):
        train(model, images(), loss, settings, machine=CPU, checkpoint=path)
    assert torch.equal(weights(model), weights(run(epochs=1)[0]))
    assert len(torch.load(path, weights_only=True)["losses"]) == 1


def test_weights_that_are_not_finite_to_begin_with_are_refused():
    model = network()
    model[0].weight.data[0] = np.inf
    with pytest.raises(ValueError, match="weights hold NaN or infinite numbers"):
        train(model, images(), squared_error, TrainingSettings(batch_size=4), machine=CPU)


def test_a_failed_resume_leaves_the_model_as_it_was(tmp_path):
    checkpoint = tmp_path / "run.pt"
    run(epochs=1, checkpoint=checkpoint)
    model = OneWeight()
    settings = TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-2)
    with pytest.raises(DataError):
        train(model, images(), squared_error, settings, machine=CPU, checkpoint=checkpoint)
    assert model.weight.item() == 2.0


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match=r"batch of 16 is larger than the 10 .* at most 10"):
        train(network(), images(), squared_error, TrainingSettings(), machine=CPU)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"learning_rate": np.inf}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TrainingSettings(**wrong)


def test_float_images_are_refused():
    with pytest.raises(ValueError, match="must be uint8"):
        train(
            network(), images().astype(np.float32), squared_error, TrainingSettings(), machine=CPU
        )


def test_settled_normalisation_has_the_statistics_of_the_data():
    pictures = images(16)
    settings = TrainingSettings(epochs=2, batch_size=4)
    model = this_machine().place(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 1, 1)))
    settle_normalisation(model, pictures, lambda m, batch: m(batch).mean(), settings)
    model.cpu()
    values = torch.tensor(pictures).float() / 255
    assert not model.training
    assert model[0].momentum == 0.1
    assert torch.allclose(model[0].running_mean, values.mean((0, 2, 3)), atol=1e-3)
    assert torch.allclose(model[0].running_var, values.var((0, 2, 3)), rtol=0.05)
    assert all(p.grad is None for p in model.parameters())
