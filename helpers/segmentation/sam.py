"""SAM, a segmenter that is told by points and boxes what to outline (an optional extra)."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from helpers.errors import DataError
from helpers.machine import this_machine
from helpers.networks.architectures import MEAN, STD
from helpers.networks.inference import each_batch
from helpers.networks.seeding import seeded
from helpers.segmentation.prompts import Prompt

MODEL = "facebook/sam-vit-base"
FOLDER_VARIABLE = "ONE_BAD_NUT_SAM"
INSTALL = (
    "SAM needs the package transformers, which is not installed. Run `pip install "
    "'transformers>=5'` (or `pip install -e '.[sam]'`), then run this cell again."
)
PADDING = -10  # label of a point that is to be ignored
SMALL_SIDE = 64


@dataclass(frozen=True, eq=False)
class Sam:
    """A SAM and where its weights come from.

    Attributes
    ----------
    model
        ``transformers.SamModel``.
    pretrained
        Whether the weights were trained; if not, its masks mean nothing.
    source
        One sentence: what was taken, and why.
    """

    model: Any
    pretrained: bool
    source: str

    @property
    def side(self) -> int:
        """Side in pixels of the pictures that it sees; others are resized to it."""
        return self.model.config.vision_config.image_size

    def embed(self, images: np.ndarray, batch_size: int = 4) -> torch.Tensor:
        """Run the image encoder, the costly part, once: float32, N×C×h×w.

        Parameters
        ----------
        images
            uint8, N×3×S×S: square.
        batch_size
            Pictures at a time.

        Raises
        ------
        ValueError
            When the pictures are not uint8 of that shape.
        """
        machine = this_machine()
        if images.ndim != 4 or images.shape[2] != images.shape[3]:
            raise ValueError(f"SAM is given square pictures N×3×S×S here; got {images.shape}.")
        size = (self.side, self.side)
        mean, std = (torch.tensor(v, device=machine.device).view(3, 1, 1) for v in (MEAN, STD))

        def embed(batch: torch.Tensor) -> torch.Tensor:
            pixels = functional.interpolate(batch, size, mode="bilinear", antialias=True)
            return self.model.get_image_embeddings((pixels - mean) / std).float()

        # A tensor made in inference mode could not take part in training.
        return torch.cat(list(each_batch(embed, images, batch_size))).clone()

    def logits(
        self, embeddings: torch.Tensor, prompts: Sequence[Prompt], side: int
    ) -> torch.Tensor:
        """Return the logits of the masks for a prompt a picture: B×side×side.

        Parameters
        ----------
        embeddings
            As ``embed`` gives them, B×C×h×w.
        prompts
            B of them, all with a box or all without, in pixels of pictures of ``side`` × ``side``.
        side
            Of the pictures.

        Raises
        ------
        ValueError
            When the numbers differ, a prompt leaves its picture, or some have boxes and some not.
        """
        given = prompt_tensors(prompts, side, self.side)
        if len(prompts) != len(embeddings):
            raise ValueError(f"{len(embeddings)} pictures and {len(prompts)} prompts do not fit.")
        given = {name: value.to(embeddings.device) for name, value in given.items()}
        found = self.model(image_embeddings=embeddings, multimask_output=False, **given)
        small = found.pred_masks[:, 0].float()  # B×1×h×w
        return functional.interpolate(small, (side, side), mode="bilinear")[:, 0]

    def masks(
        self, images: np.ndarray, prompts: Sequence[Prompt], batch_size: int = 4
    ) -> np.ndarray:
        """Return the mask of each picture (uint8 N×3×S×S) for its prompt: bool, N×S×S."""
        embeddings, parts = self.embed(images, batch_size), []
        with torch.inference_mode():
            for start in range(0, len(images), batch_size):
                rows = slice(start, start + batch_size)
                parts.append(self.logits(embeddings[rows], prompts[rows], images.shape[-1]) > 0)
        return torch.cat(parts).cpu().numpy()


def has_transformers() -> bool:
    """Tell whether the package that SAM comes with is there."""
    return find_spec("transformers") is not None


def load_sam(folder: str | Path | None = None) -> Sam:
    """Load SAM from this machine alone, or build a small one of the same class.

    The network is never asked. Looked for in ``folder``, else in the folder that
    ``ONE_BAD_NUT_SAM`` names, else in Hugging Face's cache. When nothing is named and nothing is
    there, a small model with random weights is made from a configuration; its ``source`` says so.

    Parameters
    ----------
    folder
        Holds ``config.json`` and ``model.safetensors``, as ``save_pretrained`` writes them.

    Raises
    ------
    ImportError
        When transformers is not installed; the message says how to.
    DataError
        When the folder named has no usable SAM.
    """
    if not has_transformers():
        raise ImportError(INSTALL)
    with warnings.catch_warnings():
        # In a notebook the progress bars that transformers imports warn that they are no widgets.
        warnings.simplefilter("ignore")
        import_module("tqdm.auto")
    named = folder or os.environ.get(FOLDER_VARIABLE)
    if named:
        path = Path(named)
        return Sam(_read(path), True, f"SAM from the folder {path.name}")
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(MODEL, "config.json")
    if isinstance(cached, str):
        return Sam(_read(Path(cached).parent), True, f"{MODEL} from Hugging Face's cache")
    why = (
        f"A small SAM with random weights, made from a configuration: the weights of {MODEL} are "
        "not on this machine. It shows how SAM is built and trained, not what SAM can do. To get "
        f"the weights run `hf download {MODEL}`."
    )
    return Sam(small_sam(), False, why)


def small_sam(seed: int = 0) -> Any:
    """Build a SAM of the same class with a hundredth of the size and random weights."""
    from transformers import SamConfig, SamModel

    vision = {
        "hidden_size": 32, "output_channels": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": SMALL_SIDE, "patch_size": 8, "window_size": 4, "global_attn_indexes": [1],
        "num_pos_feats": 16, "initializer_range": 0.02,
    }  # fmt: skip
    prompts = {"hidden_size": 32, "image_size": SMALL_SIDE, "patch_size": 8}
    decoder = {
        "hidden_size": 32, "mlp_dim": 64, "num_attention_heads": 2, "iou_head_hidden_dim": 32,
    }  # fmt: skip
    with seeded(seed):
        model = SamModel(
            SamConfig(
                vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder
            )
        )
    return model.to(this_machine().device).eval()


def prompt_tensors(
    prompts: Sequence[Prompt], side: int, model_side: int
) -> dict[str, torch.Tensor]:
    """Turn prompts into what ``SamModel`` takes, in pixels of its own input.

    Fewer points than another prompt of the batch has are filled up with points to be ignored.

    Raises
    ------
    ValueError
        When there is none, a prompt leaves its picture, or some have boxes and some not.
    """
    if not prompts:
        raise ValueError("there is no prompt; give one for each picture.")
    for prompt in prompts:
        prompt.check_within(side, side)
    scale, tensors = model_side / side, {}
    with_box = [prompt.box is not None for prompt in prompts]
    if any(with_box) and not all(with_box):
        raise ValueError("some prompts have a box and some have none; batch them separately.")

    def scaled(pixels: np.ndarray) -> torch.Tensor:
        # Pixels have their middle at whole numbers, here and (before it adds 0.5) in SAM.
        return torch.tensor((pixels + 0.5) * scale - 0.5, dtype=torch.float32)

    if all(with_box):
        tensors["input_boxes"] = scaled(np.array([prompt.box for prompt in prompts]))[:, None]
    count = max(len(prompt.points) for prompt in prompts)
    if count:
        points = np.zeros((len(prompts), count, 2))
        labels = np.full((len(prompts), count), PADDING)
        for row, prompt in enumerate(prompts):
            if prompt.points:
                points[row, : len(prompt.points)] = prompt.points
                labels[row, : len(prompt.points)] = prompt.inside
        tensors["input_points"] = scaled(points)[:, None]
        tensors["input_labels"] = torch.tensor(labels, dtype=torch.long)[:, None]
    return tensors


def _read(path: Path) -> Any:
    from transformers import SamModel

    remedy = f"It must hold config.json and model.safetensors of a SAM, such as {MODEL}."
    if not (path / "config.json").is_file():
        raise DataError(f"{path} has no config.json. {remedy}")
    try:
        model, told = SamModel.from_pretrained(
            path, local_files_only=True, output_loading_info=True
        )
    except Exception as error:
        # transformers raises whatever the bytes provoke: JSON, safetensors, shape errors.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} cannot be read as a SAM: {reason}. {remedy}") from error
    # Without a word of error, it fills what a file lacks with random numbers.
    for what in ("missing_keys", "mismatched_keys"):
        if told.get(what):
            raise DataError(
                f"{path} does not fit: {what} {sorted(map(str, told[what]))[0]}. {remedy}"
            )
    return model.to(this_machine().device).eval()
