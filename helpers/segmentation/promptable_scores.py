"""How well a promptable segmenter outlines what it is asked for, object by object."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from helpers.formulas.scenes import Scenes
from helpers.metrics.masks import iou
from helpers.segmentation.promptable import Embeddings
from helpers.segmentation.promptable_model import BATCH, Promptable
from helpers.segmentation.prompts import Prompt, prompted_objects


@dataclass(frozen=True, eq=False)
class Questions:
    """Pictures, and the objects that are asked for.

    Attributes
    ----------
    images
        uint8, N×3×S×S.
    rows
        Of each of K objects: the number of its picture.
    prompts
        K of them.
    truths
        bool, K×S×S.
    """

    images: np.ndarray
    rows: np.ndarray
    prompts: tuple[Prompt, ...]
    truths: np.ndarray

    def __len__(self) -> int:
        return len(self.prompts)


def questions_of(images: np.ndarray, masks: np.ndarray, prompt_type: str = "box") -> Questions:
    """Ask for each connected region of the masks (bool, N×S×S) by the prompt of its true mask.

    Raises
    ------
    ValueError
        When no mask marks anything, or there is no such type of prompt.
    """
    side = masks.shape[-1]
    found = [
        (row, prompt, region.on(side, side))
        for row, mask in enumerate(masks)
        for prompt, region in prompted_objects(mask, prompt_type)
    ]
    return _questions(images, found)


def questions_of_scenes(scenes: Scenes, prompt_type: str = "box") -> Questions:
    """Ask for each object of the scenes: its box, or the pixel deepest inside.

    What another object hides may leave two pieces of one, which are one object here.
    """
    found = []
    for row in range(len(scenes.counts)):
        for mask in scenes.masks(row):
            rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
            box = tuple(map(float, (columns[0], rows[0], columns[-1], rows[-1])))
            depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
            y, x = np.unravel_index(depth.argmax(), depth.shape)
            asked = Prompt(((float(x), float(y)),), (True,), box)
            if prompt_type == "box":
                asked = Prompt(box=box)
            elif prompt_type == "point":
                asked = replace(asked, box=None)
            found.append((row, asked, mask))
    return _questions(scenes.pictures, found)


def object_masks(
    sam: Promptable, questions: Questions, embeddings: Embeddings | None = None
) -> np.ndarray:
    """Return the mask of each object: bool, K×S×S.

    Parameters
    ----------
    sam
        With or without trained weights.
    questions
        What is asked.
    embeddings
        What ``sam.embed`` gave for the pictures, if it ran before.
    """
    side, found = questions.images.shape[-1], []
    if embeddings is None:
        embeddings = sam.embed(questions.images)
    with torch.inference_mode():
        for start in range(0, len(questions), BATCH):
            part = slice(start, start + BATCH)
            seen = embeddings[questions.rows[part].tolist()]
            found.append((sam.logits(seen, questions.prompts[part], side) > 0).cpu().numpy())
    return np.concatenate(found)


def object_ious(
    sam: Promptable, questions: Questions, embeddings: Embeddings | None = None
) -> np.ndarray:
    """Return the IoU of each object's mask: K; parameters are those of ``object_masks``."""
    masks = object_masks(sam, questions, embeddings)
    return np.array([iou(*pair) for pair in zip(masks, questions.truths, strict=True)])


def filled_box_ious(questions: Questions) -> np.ndarray:
    """Return the IoU of each object with its own box, filled: what no segmenter is needed for.

    Raises
    ------
    ValueError
        When a prompt has no box.
    """
    found = []
    for prompt, truth in zip(questions.prompts, questions.truths, strict=True):
        if prompt.box is None:
            raise ValueError("a prompt has no box; ask by boxes.")
        left, top, right, bottom = map(int, prompt.box)
        filled = np.zeros_like(truth)
        filled[top : bottom + 1, left : right + 1] = True
        found.append(iou(filled, truth))
    return np.array(found)


def _questions(images: np.ndarray, found: Sequence[tuple[int, Prompt, np.ndarray]]) -> Questions:
    if not found:
        raise ValueError("the masks mark nothing, so there is nothing to ask for.")
    rows, prompts, truths = zip(*found, strict=True)
    return Questions(images, np.array(rows), prompts, np.stack(truths))
