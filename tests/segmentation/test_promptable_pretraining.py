"""The pretraining: losses by hand, prompts where they belong, twice the same weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from helpers.errors import DataError
from helpers.machine import Machine
from helpers.segmentation.promptable import MINUS, PADDING, PLUS, Prompts
from helpers.segmentation.promptable_pretraining import (
    PretrainingSettings,
    add_clicks,
    as_drawn,
    draw_batch,
    first_prompts,
    learning_rate_at,
    make_scenes,
    mask_losses,
    overlap,
    pretrain,
    prompt_loss,
)

SMALL = PretrainingSettings(
    scenes=4, textures=2, side=64, seen_side=96, steps=3, loose=1, pictures=2, objects=2,
    warming=1, cooling=1, easy=2, corrected=1.0,
)  # fmt: skip
CPU = Machine("cpu", "float32")


@pytest.fixture(scope="module")
def scenes():
    return make_scenes(SMALL)


def test_the_losses_are_those_computed_by_hand():
    truth = torch.tensor([[[1.0, 0.0]]])
    # p = 1/2 everywhere: each entropy is ln 2, each miss a half; Dice (2 · 1/2 + 1) / (1 + 1 + 1).
    found = mask_losses(torch.zeros(1, 1, 2), truth, 20.0)
    assert found.item() == pytest.approx(20 * 0.25 * 0.693147 + 1 - 2 / 3, abs=1e-5)
    right = mask_losses(torch.tensor([[[20.0, -20.0]]]), truth, 20.0)
    assert right.item() == pytest.approx(0, abs=1e-6)


def test_the_overlap_is_the_iou():
    logits = torch.tensor([[1.0, 1.0, -1.0, -1.0]]).view(1, 2, 2)
    truth = torch.tensor([[1.0, 0.0, 1.0, 0.0]]).view(1, 2, 2)
    assert overlap(logits, truth).item() == pytest.approx(1 / 3)
    assert overlap(-logits.abs(), 0 * truth).item() == 0  # empty and empty: no division by 0


def test_a_clear_prompt_is_held_to_the_first_mask_and_a_point_to_the_best_of_three():
    truth = torch.zeros(1, 4, 4)
    truth[:, :2] = 1
    right, wrong = (2 * truth - 1) * 30, (1 - 2 * truth) * 30
    quality = torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    answers = torch.stack([right, wrong, right, wrong], 1)
    for ambiguous in (False, True):
        loss = prompt_loss(answers, quality, truth, torch.tensor([ambiguous]), 20.0)
        assert loss.item() == pytest.approx(0, abs=1e-4)
    worse = torch.stack([wrong, wrong, right, wrong], 1)
    loss = prompt_loss(worse, quality, truth, torch.tensor([False]), 20.0)
    assert loss.item() > 1


def test_prompts_lie_on_their_objects(scenes):
    _, truth, generator = draw_batch(scenes, 0, SMALL)
    points = first_prompts(truth, 0.0, generator)
    assert not points.boxed.any()
    assert points.ambiguous.all()
    x, y = (points.points[:, 0] * 64).long().unbind(1)
    assert (truth[torch.arange(len(truth)), y, x] == 1).all()
    boxes = first_prompts(truth, 1.0, generator)
    assert boxes.boxed.all()
    assert (boxes.labels == PADDING).all()
    for box, mask in zip(boxes.boxes * 64, truth, strict=True):
        rows, columns = torch.nonzero(mask.any(1)), torch.nonzero(mask.any(0))
        tight = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        reach = torch.stack([tight[2] - tight[0], tight[3] - tight[1]]).repeat(2) * 0.1
        assert ((box - tight).abs() <= reach.clamp(1, 20) + 1e-3).all()


def test_a_click_falls_where_the_answer_is_wrong():
    truth = torch.zeros(2, 8, 8)
    truth[:, 2:6, 2:6] = 1
    logits = 2 * truth - 1
    logits[0, 3, 3] = -1  # missed
    logits[1, 0, 7] = 1  # too much
    nothing = Prompts(
        torch.zeros(2, 3, 2), torch.full((2, 3), PADDING), torch.zeros(2, 4), torch.ones(2) > 0
    )  # fmt: skip
    clicked = add_clicks(nothing, logits, truth, torch.Generator().manual_seed(0))
    assert clicked.labels[:, 0].tolist() == [PLUS, MINUS]
    assert torch.allclose(clicked.points[:, 0] * 8, torch.tensor([[3.5, 3.5], [7.5, 0.5]]))
    assert (clicked.labels[:, 1:] == PADDING).all()
    same = add_clicks(nothing, 2 * truth - 1, truth, torch.Generator().manual_seed(0))
    assert (same.labels == PADDING).all()


def test_a_margin_widens_a_mask_on_every_side():
    truth = torch.zeros(3, 9, 9)
    truth[:, 4, 4] = 1
    wider = as_drawn(truth, np.array([0, 1, 3]), np.array([0, 0, 0]))
    assert wider.sum((1, 2)).tolist() == [1, 9, 49]
    assert (wider[1, 3:6, 3:6] == 1).all()


def test_closing_fills_gaps_as_the_independent_one_of_scipy_does():
    truth = torch.zeros(3, 20, 20)
    truth[:, 2:18, 4:6] = truth[:, 2:18, 12:14] = 1  # two bars, six pixels apart
    truth[:, 0, 19] = 1
    drawn = as_drawn(truth, np.array([0, 0, 1]), np.array([2, 3, 3]))
    assert torch.equal(drawn[0], truth[0])  # the gap is wider than four
    assert (drawn[1, 2:18, 4:14] == 1).all()
    for mask, margin, closing in zip(drawn, (0, 0, 1), (2, 3, 3), strict=True):
        wide = np.pad(truth[0].numpy() > 0, closing)
        square = np.ones((2 * closing + 1,) * 2, bool)
        closed = ndimage.binary_closing(wide, square)[closing:-closing, closing:-closing]
        grown = ndimage.binary_dilation(closed, np.ones((3, 3), bool)) if margin else closed
        assert (mask.numpy() == grown).all()


def test_the_rate_rises_stays_and_falls():
    settings = PretrainingSettings(steps=100, loose=4, warming=10, cooling=20, learning_rate=1.0)
    rates = [learning_rate_at(step, settings) for step in range(104)]
    assert rates[100:] == pytest.approx([0.6, 0.45, 0.3, 0.15])
    del rates[100:]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert rates[10:80] == [1.0] * 70
    assert rates[-2:] == pytest.approx([0.1, 0.05])


def test_the_pretraining_repeats_and_continues_to_the_bit(scenes, tmp_path):
    whole = pretrain(SMALL, scenes, machine=CPU)
    file = tmp_path / "checkpoint.pt"
    # The first two steps of a longer run are those of a shorter one, up to its cooling.
    pretrain(replace(SMALL, steps=2, loose=0), scenes, file, machine=CPU, save_every=1)
    resumed = pretrain(SMALL, scenes, file, machine=CPU)
    assert resumed.losses == whole.losses
    for name, value in whole.network.trained_state().items():
        assert torch.equal(value, resumed.network.trained_state()[name]), name
    with pytest.raises(DataError, match="other settings"):
        pretrain(replace(SMALL, seed=1), scenes, file, machine=CPU)
