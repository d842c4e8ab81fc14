"""What the machine is asked, and how it can be overruled."""

import numpy as np
import pytest
import torch

from helpers.machine import Machine, this_machine, to_unit_range


def test_the_environment_overrules_what_is_found(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_DEVICE", "cpu")
    for precision in ("float32", "bfloat16"):
        monkeypatch.setenv("ONE_BAD_NUT_PRECISION", precision)
        assert this_machine() == Machine("cpu", precision)


@pytest.mark.parametrize("variable", ["ONE_BAD_NUT_DEVICE", "ONE_BAD_NUT_PRECISION"])
def test_an_unknown_value_is_named(monkeypatch, variable):
    monkeypatch.setenv(variable, "bfloat61")
    with pytest.raises(ValueError, match=f"{variable} is 'bfloat61'"):
        this_machine()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("ONE_BAD_NUT_DEVICE", device)
    message = f"'{device}' was asked for, and PyTorch finds none.*ONE_BAD_NUT_DEVICE unset"
    for ask in (this_machine, lambda: Machine(device, "float32")):
        with pytest.raises(ValueError, match=message):
            ask()


def test_a_processor_without_bfloat16_computes_in_float32(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_DEVICE", "cpu")
    monkeypatch.delenv("ONE_BAD_NUT_PRECISION", raising=False)
    for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, probe, lambda: False, raising=False)
    assert this_machine().precision == "float32"
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert this_machine().precision == "bfloat16"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_autocast_computes_in_the_chosen_format(precision):
    with Machine("cpu", precision).autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == getattr(torch, precision)


def test_images_stay_bytes_until_they_are_used():
    images = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
    staged = Machine("cpu", "float32").stage(images)
    assert staged.dtype == torch.uint8
    assert staged.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(to_unit_range(staged).numpy(), images.astype(np.float32) / 255)


def test_staged_images_are_a_copy():
    images = np.zeros((1, 3, 2, 2), np.uint8)
    staged = Machine("cpu", "float32").stage(images)
    images[:] = 9
    assert staged.max() == 0


@pytest.mark.parametrize("wrong", [np.zeros((2, 4, 4, 3), np.uint8), np.zeros((2, 3, 4, 4))])
def test_other_arrays_are_refused(wrong):
    with pytest.raises(ValueError, match="N×3×H×W"):
        Machine("cpu", "float32").stage(wrong)


def test_the_description_names_the_format():
    assert "float32" in Machine("cpu", "float32").describe()
