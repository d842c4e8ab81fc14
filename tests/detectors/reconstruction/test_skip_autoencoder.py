from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.reconstruction.skip_autoencoder import (
    CORRUPTIONS,
    SkipAutoencoder,
    SkipAutoencoderDetector,
    SkipAutoencoderSettings,
    at_scales,
    corrupted,
)
from helpers.errors import DataError
from helpers.networks.seeding import seeded
from helpers.networks.training import DivergedError, TrainingSettings
from tests.detectors.reconstruction.test_pretrained_autoencoder import discs

SETTINGS = SkipAutoencoderSettings(
    width=8,
    code_side=4,
    code_channels=4,
    skips=(0, 1),
    scales=2,
    training=TrainingSettings(epochs=20, batch_size=8, learning_rate=3e-3),
)


@pytest.fixture(scope="module")
def images():
    return discs(24)


@pytest.fixture(scope="module")
def fitted(images):
    return SkipAutoencoderDetector(SETTINGS).fit(images)


def test_scales_are_means_of_what_they_cover():
    image = torch.arange(16.0).view(1, 1, 4, 4)
    whole, half, quarter = at_scales(image, 3)
    assert torch.equal(whole, image)
    assert half.flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert quarter.item() == 7.5


@pytest.mark.parametrize("skips", [(), (0,), (0, 1, 2), (2,)])
@pytest.mark.parametrize("scales", [1, 3])
def test_every_scale_has_its_size(skips, scales):
    outputs = SkipAutoencoder((4, 8, 16, 32), 4, skips, scales).eval()(torch.rand(2, 3, 64, 64))
    assert [tuple(o.shape) for o in outputs] == [(2, 3, 64 >> i, 64 >> i) for i in range(scales)]
    assert all(0 <= o.min() <= o.max() <= 1 for o in outputs)


def test_a_skip_lets_detail_past_the_code():
    def change_at_corner(skips):
        with seeded(0):
            model = SkipAutoencoder((4, 8, 16), 4, skips, 1).eval()
        with torch.no_grad():
            model.code[1].weight.zero_()  # nothing passes the code
            one = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0))
            other = one.clone()
            other[..., :4, :4] = 1 - other[..., :4, :4]
            return (model(one)[0] - model(other)[0]).abs().max()

    assert change_at_corner(()) == 0
    assert change_at_corner((0,)) > 1e-4


def test_no_corruption_is_no_change_and_all_are_applied(images):
    batch = torch.tensor(images[:8]) / 255
    assert corrupted(batch, ()) is batch
    with seeded(0):
        once = corrupted(batch, ("stain",))
    with seeded(0):
        often = corrupted(batch, ("stain", "scar", "patch"))
    changed = [(v != batch).any(1).float().mean() for v in (once, often)]
    assert 0 < changed[0] < changed[1]


def test_damage_is_repaired_found_and_placed(fitted):
    good, bad = discs(8, seed=1), discs(8, seed=1)
    bad[:, :, 12:19, 12:19] = np.array([250, 30, 30], np.uint8).reshape(1, 3, 1, 1)
    repaired = 255 * fitted.reconstruct(bad)[:, :, 12:19, 12:19]
    clean, damaged = (v[:, :, 12:19, 12:19].astype(float) for v in (good, bad))
    assert np.abs(repaired - clean).mean() < 0.6 * np.abs(damaged - clean).mean()
    scores, damaged = fitted.predict(good), fitted.predict(bad)
    assert damaged.image.min() > scores.image.max()
    rows, columns = np.unravel_index(damaged.maps.reshape(8, -1).argmax(1), (32, 32))
    assert ((rows > 7) & (rows < 24) & (columns > 7) & (columns < 24)).all()


@pytest.mark.parametrize("name", ["patch", "scar", "stain"])
def test_a_corruption_is_as_large_for_the_picture_whatever_its_size(name):
    def share(side):
        with seeded(0):
            return float(CORRUPTIONS[name](torch.zeros(400, 3, side, side))[1].float().mean())

    assert share(64) == pytest.approx(share(128), rel=0.1)


def test_without_corruption_damage_is_copied():
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (32, 3, 4, 4), np.uint8).repeat(8, 2).repeat(8, 3)
    longer = replace(SETTINGS, training=replace(SETTINGS.training, epochs=40))
    naive = SkipAutoencoderDetector(replace(longer, corruptions=())).fit(blocks)
    bad = blocks[:8].copy()
    bad[:, :, 12:19, 12:19] = np.array([250, 30, 30], np.uint8).reshape(1, 3, 1, 1)
    difference = [
        np.abs(naive.reconstruct(bad) - v / 255)[:, :, 12:19, 12:19].mean()
        for v in (bad, blocks[:8])
    ]
    assert difference[0] < 0.75 * difference[1]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_residual_of_equal_pictures_is_0_and_of_others_is_not(share):
    detector = SkipAutoencoderDetector(replace(SETTINGS, ssim_share=share))
    generator = torch.Generator().manual_seed(0)
    one, other = torch.rand((2, 1, 3, 16, 16), generator=generator)
    assert detector.residual(one, one).abs().max() < 1e-3
    assert detector.residual(one, other).min() > 0.01
    assert detector.residual(one, other).shape == (1, 1, 16, 16)


def test_ssim_alone_is_weak_where_colour_is_strong():
    one = torch.full((1, 3, 16, 16), 0.5)
    tinted = one + torch.tensor([0.15, 0, -0.15]).view(1, 3, 1, 1)
    structure, colour = (
        SkipAutoencoderDetector(replace(SETTINGS, ssim_share=s)).residual(one, tinted).mean()
        for s in (1.0, 0.0)
    )
    assert structure < 0.05
    assert colour == pytest.approx(0.1, abs=1e-4)


def test_the_same_seed_gives_the_same_scores(images):
    short = replace(SETTINGS, training=replace(SETTINGS.training, epochs=2))
    one, two = (SkipAutoencoderDetector(short).fit(images).predict(images) for _ in "ab")
    assert np.array_equal(one.maps, two.maps)


def test_a_killed_run_goes_on_from_its_checkpoint(images, tmp_path):
    path = tmp_path / "run.pt"
    four, two = (replace(SETTINGS, training=replace(SETTINGS.training, epochs=e)) for e in (4, 2))
    SkipAutoencoderDetector(two, path).fit(images)
    resumed = SkipAutoencoderDetector(four, path).fit(images)
    straight = SkipAutoencoderDetector(four).fit(images)
    assert np.array_equal(resumed.predict(images).maps, straight.predict(images).maps)


def test_a_foreign_checkpoint_is_refused(images, tmp_path):
    path = tmp_path / "run.pt"
    short = replace(SETTINGS, training=replace(SETTINGS.training, epochs=1))
    SkipAutoencoderDetector(short, path).fit(images)
    with pytest.raises(DataError, match="is not a checkpoint of this model"):
        SkipAutoencoderDetector(replace(short, width=4), path).fit(images)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(DataError, match=r"run.pt is not a checkpoint.*Delete it"):
        SkipAutoencoderDetector(short, path).fit(images)


def test_a_diverging_run_stops_with_a_remedy(images):
    wild = replace(SETTINGS, training=replace(SETTINGS.training, learning_rate=1e30))
    with pytest.raises(DivergedError, match="Try a learning rate below 1e\\+30"):
        SkipAutoencoderDetector(wild).fit(images)


def test_judging_before_fitting_is_refused(images):
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        SkipAutoencoderDetector(SETTINGS).predict(images)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scales": 3}, "SSIM looks through a window of 11 × 11"),
        ({"scales": 4}, "from 1 to 3 scales"),
        ({"scales": 0}, "from 1 to 3 scales"),
        ({"skips": (2,)}, "skips can be some of 0, 1"),
        ({"code_side": 5}, "is reached by halving"),
    ],
)
def test_settings_that_do_not_fit_the_images_are_refused(images, changes, message):
    with pytest.raises(ValueError, match=message):
        SkipAutoencoderDetector(replace(SETTINGS, **changes)).fit(images)


def test_a_batch_larger_than_the_data_is_refused(images):
    large = replace(SETTINGS, training=replace(SETTINGS.training, batch_size=25))
    with pytest.raises(ValueError, match="larger than the 24 training images"):
        SkipAutoencoderDetector(large).fit(images)


@pytest.mark.parametrize(
    "changes", [{"corruptions": ("rust",)}, {"ssim_share": 1.5}, {"ssim_share": -0.1}]
)
def test_unknown_settings_are_refused(changes):
    with pytest.raises(ValueError, match="must be"):
        replace(SETTINGS, **changes)


def test_a_checkpoint_of_other_settings_or_images_is_refused(images, tmp_path):
    path = tmp_path / "run.pt"
    short = replace(SETTINGS, training=replace(SETTINGS.training, epochs=1))
    SkipAutoencoderDetector(short, path).fit(images)
    with pytest.raises(DataError, match="a run with other settings"):
        SkipAutoencoderDetector(replace(short, ssim_share=0.5), path).fit(images)
    with pytest.raises(DataError, match="a run with other images"):
        SkipAutoencoderDetector(short, path).fit(255 - images)
