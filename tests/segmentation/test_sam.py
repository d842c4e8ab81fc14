"""SAM: prompts as tensors always; the model itself where transformers is installed."""

import numpy as np
import pytest
import torch

from helpers.data.category import Category
from helpers.errors import DataError
from helpers.networks.training import TrainingSettings
from helpers.segmentation import sam as sam_module
from helpers.segmentation.prompts import Prompt, prompt_from_map, prompt_from_mask
from helpers.segmentation.sam import PADDING, has_transformers, load_sam, prompt_tensors, small_sam
from helpers.segmentation.sam_fine_tuning import FineTuning, fine_tune, freeze_encoders
from helpers.segmentation.sam_scores import evaluate_map_prompts

needs_transformers = pytest.mark.skipif(
    not has_transformers(), reason="transformers is not installed: pip install 'transformers>=5'"
)


def test_prompts_are_scaled_to_the_middles_of_the_models_pixels():
    found = prompt_tensors([Prompt(((0, 99),), (True,), (0, 0, 49, 99))], 100, 200)
    assert found["input_points"].tolist() == [[[[0.5, 198.5]]]]
    assert found["input_boxes"].tolist() == [[[0.5, 0.5, 98.5, 198.5]]]
    assert found["input_labels"].tolist() == [[[1]]]


def test_fewer_points_are_filled_up_with_points_to_be_ignored():
    two = Prompt(((1, 1), (2, 2)), (True, False))
    found = prompt_tensors([two, Prompt(((3, 3),), (True,))], 10, 10)
    assert found["input_labels"].tolist() == [[[1, 0]], [[1, PADDING]]]
    assert found["input_points"].shape == (2, 1, 2, 2)
    assert "input_boxes" not in found


def test_bad_prompts_are_named():
    with pytest.raises(ValueError, match="no prompt"):
        prompt_tensors([], 10, 10)
    with pytest.raises(ValueError, match="batch them separately"):
        prompt_tensors([Prompt(box=(0, 0, 1, 1)), Prompt(((0, 0),), (True,))], 10, 10)
    with pytest.raises(ValueError, match="outside the picture"):
        prompt_tensors([Prompt(box=(0, 0, 10, 1))], 10, 10)


def test_where_transformers_is_absent_the_remedy_is_said(monkeypatch):
    monkeypatch.setattr(sam_module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'transformers>=5'"):
        load_sam()


@pytest.fixture
def here_alone(monkeypatch, tmp_path):
    """Forget any weights of this machine, and let nothing ask the network."""
    monkeypatch.delenv(sam_module.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("ONE_BAD_NUT_DEVICE", "cpu")
    monkeypatch.setenv("ONE_BAD_NUT_PRECISION", "float32")

    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    return tmp_path


@pytest.fixture
def spots():
    """Give 6 dark pictures with a bright rectangle, and its mask."""
    rng = np.random.default_rng(0)
    images = rng.integers(20, 40, (6, 3, 64, 64), dtype=np.uint8)
    masks = np.zeros((6, 64, 64), bool)
    for image, mask in zip(images, masks, strict=True):
        top, left = rng.integers(4, 36, 2)
        mask[top : top + 20, left : left + 24] = True
        image[:, mask] += 150
    return images, masks


@needs_transformers
class TestWithTransformers:
    @pytest.fixture(autouse=True)
    def _alone(self, here_alone):
        self.folder = here_alone

    def small(self):
        return sam_module.Sam(small_sam(), False, "test")

    def test_without_weights_a_small_one_is_made_and_says_so(self, monkeypatch):
        monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
        sam = load_sam()
        assert not sam.pretrained
        assert "random weights" in sam.source and "hf download" in sam.source

    @pytest.mark.parametrize("by", ["argument", "variable"])
    def test_a_checkpoint_is_read_from_a_folder(self, monkeypatch, spots, by):
        images, masks = spots
        saved = small_sam(seed=3)
        saved.save_pretrained(self.folder / "mine")
        if by == "variable":
            monkeypatch.setenv(sam_module.FOLDER_VARIABLE, str(self.folder / "mine"))
        sam = load_sam(self.folder / "mine" if by == "argument" else None)
        assert sam.pretrained and sam.source == "SAM from the folder mine"
        for name, value in saved.state_dict().items():
            assert torch.equal(sam.model.state_dict()[name], value)
        prompts = [prompt_from_mask(mask) for mask in masks]
        same = sam_module.Sam(saved, True, "")
        assert np.array_equal(sam.masks(images, prompts), same.masks(images, prompts))

    def test_a_folder_without_a_sam_is_named(self):
        with pytest.raises(DataError, match=r"nothing has no config\.json"):
            load_sam(self.folder / "nothing")

    def test_a_damaged_checkpoint_is_named(self):
        small_sam().save_pretrained(self.folder)
        file = self.folder / "model.safetensors"
        file.write_bytes(file.read_bytes()[:1000])
        with pytest.raises(DataError, match="cannot be read as a SAM"):
            load_sam(self.folder)

    def test_a_checkpoint_that_lacks_weights_is_refused(self):
        from safetensors.torch import load_file, save_file

        small_sam().save_pretrained(self.folder)
        file = self.folder / "model.safetensors"
        state = load_file(file)
        del state["mask_decoder.iou_token.weight"]
        save_file(state, file, metadata={"format": "pt"})
        with pytest.raises(DataError, match="missing_keys"):
            load_sam(self.folder)

    @pytest.mark.parametrize("kind", ["point", "box", "both"])
    def test_a_mask_comes_for_each_prompt_at_the_pictures_size(self, kind):
        rng = np.random.default_rng(1)
        images = rng.integers(0, 256, (5, 3, 100, 100), dtype=np.uint8)
        prompts = [prompt_from_map(rng.random((100, 100)), kind) for _ in images]
        found = self.small().masks(images, prompts)
        assert found.shape == (5, 100, 100) and found.dtype == bool

    def test_the_prompt_changes_the_answer(self, spots):
        sam, images = self.small(), spots[0][:1]
        embeddings = sam.embed(images)
        with torch.no_grad():
            near, far = (
                sam.logits(embeddings, [Prompt(box=box)], 64)
                for box in ((2, 2, 20, 20), (40, 40, 60, 60))
            )
        # Random weights give logits near 0: compare with how much they vary.
        assert (near - far).abs().max() > 0.1 * near.std()

    def test_embeddings_are_those_of_the_whole_model(self, spots):
        sam, images = self.small(), spots[0][:2]
        prompts = [Prompt(box=(4, 4, 40, 40))] * 2
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in (sam_module.MEAN, sam_module.STD))
        with torch.no_grad():
            whole = sam.model(
                pixel_values=(torch.tensor(images) / 255 - mean) / std,
                multimask_output=False,
                **prompt_tensors(prompts, 64, 64),
            ).pred_masks[:, 0]
            cached = sam.logits(sam.embed(images), prompts, 64)
        whole = torch.nn.functional.interpolate(whole, (64, 64), mode="bilinear")[:, 0]
        torch.testing.assert_close(whole, cached, atol=1e-4, rtol=1e-3)

    def test_fine_tuning_runs_end_to_end_and_leaves_the_encoders_alone(self, spots):
        images, masks = spots
        sam = self.small()
        before = {name: value.clone() for name, value in sam.model.state_dict().items()}
        settings = FineTuning(TrainingSettings(epochs=30, batch_size=6, learning_rate=3e-3))
        losses = fine_tune(sam, images, masks, settings)
        assert len(losses) == 30 and losses[-1] < 0.7 * losses[0]
        for name, value in sam.model.state_dict().items():
            changed = not torch.equal(value, before[name])
            if name.startswith(("vision_encoder", "prompt_encoder", "shared_image_embedding")):
                assert not changed, name
        decoder = sam.model.state_dict()["mask_decoder.upscale_conv1.weight"]
        assert not torch.equal(decoder, before["mask_decoder.upscale_conv1.weight"])
        # At test time prompts come from a map, not from the truth.
        maps = images.mean(1).astype(np.float32)
        found = sam.masks(images, [prompt_from_map(one) for one in maps])
        assert found.shape == masks.shape

    def test_fine_tuning_asks_for_one_object_at_a_time(self, spots, monkeypatch):
        images, masks = spots[0][:3], np.zeros((3, 64, 64), bool)
        masks[0, 4:9, 4:9] = masks[0, 30:50, 30:34] = masks[1, 8:20, 8:20] = True
        masks[2, 1, 1] = masks[2, 60, 60] = masks[2, 40:50, 5:9] = True
        seen = []

        def loss(logits, truth):
            seen.extend(zip(asked, truth.cpu().numpy(), strict=True))
            return logits.mean()

        asked = []
        sam = self.small()
        whole = sam_module.Sam.logits

        def logits(self, embeddings, prompts, side):
            asked[:] = prompts
            return whole(self, embeddings, prompts, side)

        monkeypatch.setattr(sam_module.Sam, "logits", logits)
        training = TrainingSettings(epochs=1, batch_size=4, learning_rate=1e-4)
        fine_tune(sam, images, masks, FineTuning(training, loss, jitter=0))
        assert len(seen) == 6
        for prompt, target in seen:
            # Jitter moves an edge by a pixel at least.
            box = np.array(prompt_from_mask(target).box)
            assert np.abs(box - prompt.box).max() <= 1
        union = np.any([target for _, target in seen], axis=0)
        assert np.array_equal(union, masks.any(0))

    def test_only_the_decoder_is_trainable(self):
        counts = freeze_encoders(self.small())
        assert counts["vision_encoder"][0] == counts["prompt_encoder"][0] == 0
        assert counts["mask_decoder"][0] == counts["mask_decoder"][1] > 0

    def test_bad_input_is_named(self, spots):
        images, masks = spots
        sam = self.small()
        with pytest.raises(ValueError, match="6 pictures and 5 prompts|5 prompts"):
            sam.masks(images, [Prompt(box=(0, 0, 1, 1))] * 5, batch_size=6)
        empty = masks.copy()
        empty[2] = False
        with pytest.raises(ValueError, match="mask of picture 2 marks nothing"):
            fine_tune(sam, images, empty)
        with pytest.raises(ValueError, match="square pictures"):
            sam.embed(images[:, :, :32])
        with pytest.raises(ValueError, match="outside the picture"):
            sam.masks(images[:1], [Prompt(((64, 0),), (True,))])

    def test_the_evaluation_has_a_row_for_each_kind_of_prompt(self, spots):
        images, masks = spots
        images = np.concatenate([images, images[:1] // 4])
        masks = np.concatenate([masks, masks[:1] & False])
        names = np.array(["cut"] * 6 + ["good"])
        files = tuple(f"test/{name}/{i:03d}.png" for i, name in enumerate(names))
        category = Category(
            "nut",
            images[-1:],
            images,
            masks.any((1, 2)).astype(int),
            names,
            masks,
            "generated",
            "",
            ("train/good/000.png",),
            files,
        )
        maps = images.mean(1).astype(np.float32)
        table = evaluate_map_prompts(self.small(), category, maps, np.arange(7))
        assert table.index.tolist() == ["map alone", "prompt: point", "prompt: box", "prompt: both"]
        assert table["AUPRO"].between(0, 1).all()
        assert table.loc["map alone", ["IoU"]].isna().all()
        assert table["IoU"][1:].between(0, 1).all()
