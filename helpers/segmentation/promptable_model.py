"""The promptable segmenter as the book uses it: pictures and prompts in, masks out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from helpers.errors import DataError, did_you_mean
from helpers.machine import this_machine
from helpers.networks.inference import each_batch
from helpers.networks.seeding import seeded
from helpers.networks.weights import model_card, read_formula_weights
from helpers.segmentation.promptable import (
    MINUS,
    PADDING,
    PLUS,
    Embeddings,
    PromptableNetwork,
    Prompts,
    best_masks,
)
from helpers.segmentation.prompts import Prompt

SEEN_SIDE = 192  # as in its pretraining
FOLDER = Path(__file__).parent / "formula_weights"
WEIGHTS = ("exact", "loose", "random")
BATCH = 16  # prompts at a time


@dataclass(frozen=True, eq=False)
class Promptable:
    """A segmenter that takes points and boxes, and where its weights come from.

    Attributes
    ----------
    model
        Of three parts, ``vision_encoder``, ``prompt_encoder`` and ``mask_decoder``.
    pretrained
        Whether its decoder was trained; if not, its masks mean nothing.
    source
        One sentence: what was taken.
    side
        Side in pixels of the pictures that it sees, a multiple of 32; others are resized to it.
    """

    model: PromptableNetwork
    pretrained: bool
    source: str
    side: int = SEEN_SIDE

    def embed(self, images: np.ndarray, batch_size: int = 8) -> Embeddings:
        """Run the image encoder, the costly part, once a picture.

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
        if images.ndim != 4 or images.shape[2] != images.shape[3]:
            raise ValueError(f"pictures must be square, N×3×S×S; got shape {images.shape}.")
        size = (self.side, self.side)

        def maps(batch: torch.Tensor) -> Embeddings:
            if batch.shape[-2:] != size:
                batch = functional.interpolate(batch, size, mode="bilinear", antialias=True)
            return self.model.vision_encoder(batch)

        return Embeddings.joined(each_batch(maps, images, batch_size))

    def answers(
        self, embeddings: Embeddings, prompts: Sequence[Prompt], side: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of all four masks and the IoUs foretold: B×4×side×side and B×4.

        Mask 0 is meant for boxes and for several points, masks 1 to 3 for a single point.
        Parameters and errors are those of ``logits``.
        """
        if len(prompts) != len(embeddings):
            raise ValueError(f"{len(embeddings)} pictures and {len(prompts)} prompts do not fit.")
        found, quality = self.model.decode(embeddings, as_tensors(prompts, side, self._device))
        large = functional.interpolate(found.float(), (side, side), mode="bilinear")
        return large, quality.float()

    def logits(self, embeddings: Embeddings, prompts: Sequence[Prompt], side: int) -> torch.Tensor:
        """Return the logits of the masks for a prompt a picture: B×side×side.

        Parameters
        ----------
        embeddings
            As ``embed`` gives them, of B pictures.
        prompts
            B of them, in pixels of pictures of ``side`` × ``side``. A single point may mean a part
            or the whole: of three answers the one is taken that the network deems best.
        side
            Of the pictures.

        Raises
        ------
        ValueError
            When the numbers differ, or a prompt leaves its picture.
        """
        found, quality = self.answers(embeddings, prompts, side)
        ambiguous = as_tensors(prompts, side, self._device).ambiguous
        return best_masks(found, quality, ambiguous)

    def masks(
        self, images: np.ndarray, prompts: Sequence[Prompt], batch_size: int = BATCH
    ) -> np.ndarray:
        """Return the mask of each picture (uint8 N×3×S×S) for its prompt: bool, N×S×S."""
        embeddings, parts = self.embed(images), []
        with torch.inference_mode():
            for start in range(0, len(images), batch_size):
                rows = slice(start, start + batch_size)
                parts.append(self.logits(embeddings[rows], prompts[rows], images.shape[-1]) > 0)
        return torch.cat(parts).cpu().numpy()

    @property
    def _device(self) -> torch.device:
        return self.model.prompt_encoder.waves.device


def load_promptable(
    weights: str = "loose", *, seed: int = 0, side: int = SEEN_SIDE, folder: Path = FOLDER
) -> Promptable:
    """Load the segmenter that ships with the book; the network is never asked.

    Parameters
    ----------
    weights
        ``"exact"``: prompt encoder, mask decoder and the joining of the image encoder's maps were
        trained on formula-made scenes with exact masks; ``"loose"``: then for some steps on masks
        with a margin, as people draw them round defects; or ``"random"``, to compare. Lite0 has
        its ImageNet weights in all.
    seed
        Of random weights.
    side
        Side in pixels of the pictures that it sees, a multiple of 32.
    folder
        Where the weights are kept.

    Raises
    ------
    ValueError
        When there is no such kind of weights, or the side is none.
    DataError
        When the weights are missing or damaged, or belong to another network.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"no weights '{weights}'. {did_you_mean(weights, WEIGHTS)}")
    if side < 32 or side % 32:
        raise ValueError(f"side must be a multiple of 32; got {side}.")
    with seeded(seed):
        model = PromptableNetwork()
    source = f"a promptable segmenter with random weights, seed {seed}, on ImageNet's Lite0"
    if weights != "random":
        name = file_of(weights)
        state, _ = read_formula_weights(name, folder)
        known = model.trained_state()
        unfit = sorted(state.keys() ^ known.keys()) or [
            key for key, value in state.items() if value.shape != known[key].shape
        ]
        if unfit:
            raise DataError(f"{name}.npz does not fit the network: {unfit[0]}. Take the book's.")
        model.load_state_dict(state, strict=False)
        source = (
            f"a promptable segmenter pretrained on formulas: {model_card(name, folder)['data']}"
        )
    model = this_machine().place(model).eval()
    return Promptable(model, weights != "random", source, side)


def file_of(weights: str) -> str:
    """Return the name of the file and card of weights that ship, without its ending."""
    return f"promptable_{weights}"


def as_tensors(prompts: Sequence[Prompt], side: int, device: torch.device | str) -> Prompts:
    """Turn prompts in pixels of pictures of ``side`` × ``side`` into tensors of shares.

    Fewer points than another prompt of the batch has are filled up with points to be ignored.

    Raises
    ------
    ValueError
        When there is none, or one leaves its picture.
    """
    if not prompts:
        raise ValueError("there is no prompt; give one for each picture.")
    for prompt in prompts:
        prompt.check_within(side, side)
    count = max(1, *(len(prompt.points) for prompt in prompts))
    points = torch.zeros(len(prompts), count, 2)
    labels = torch.full((len(prompts), count), PADDING)
    boxes = torch.zeros(len(prompts), 4)
    for row, prompt in enumerate(prompts):
        for i, (point, inside) in enumerate(zip(prompt.points, prompt.inside, strict=True)):
            points[row, i] = torch.tensor(point) + 0.5  # the middle of the first pixel is at 0
            labels[row, i] = PLUS if inside else MINUS
        if prompt.box:  # its last pixels are within it
            boxes[row] = torch.tensor(prompt.box) + torch.tensor((0.0, 0.0, 1.0, 1.0))
    boxed = torch.tensor([prompt.box is not None for prompt in prompts])
    return Prompts(points / side, labels, boxes / side, boxed).to(device)
