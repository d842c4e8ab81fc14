"""Masks of what an anomaly map points at, and what is shown of them at a threshold."""

import numpy as np
import torch
from scipy import ndimage

from helpers.annotations.regions import NEIGHBOURS
from helpers.segmentation.promptable import Embeddings
from helpers.segmentation.promptable_model import BATCH, Promptable
from helpers.segmentation.prompts import Prompt, prompts_from_map

HALF = 0.5  # a pixel of a higher probability belongs to the mask


def boxes_of_maps(maps: np.ndarray, level: float = 0.5) -> list[tuple[int, Prompt]]:
    """Return the boxes that anomaly maps N×H×W point at, each with its picture's number.

    See ``prompts_from_map``, also for the level. A map of which more than half is as high as its
    maximum points at nothing.
    """
    return [
        (row, prompt)
        for row, scores in enumerate(maps)
        if scores.max() > np.median(scores)
        for prompt in prompts_from_map(scores, "box", level)
    ]


def probabilities_by_maps(
    sam: Promptable, embeddings: Embeddings, maps: np.ndarray, level: float = 0.5
) -> np.ndarray:
    """Outline what the boxes of anomaly maps hold.

    Parameters
    ----------
    sam
        The segmenter.
    embeddings
        What ``sam.embed`` gave for N pictures.
    maps
        N×H×W, their anomaly maps; nothing else is known of the pictures.
    level
        Of the boxes; a higher one makes smaller boxes.

    Returns
    -------
    numpy.ndarray
        float32, N×H×W: the highest probability that any box of the picture gave a pixel; 0 where
        there is no box.
    """
    asked, found = boxes_of_maps(maps, level), np.zeros(maps.shape, np.float32)
    with torch.inference_mode():
        for start in range(0, len(asked), BATCH):
            rows, prompts = map(list, zip(*asked[start : start + BATCH], strict=True))
            logits = sam.logits(embeddings[rows], prompts, maps.shape[-1])
            np.maximum.at(found, rows, logits.sigmoid().cpu().numpy())
    return found


def region_scores(probabilities: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Give each region of the masks the highest evidence in it, and all else 0.

    A mask ends where its probability passes a half. Whether it is *shown* is decided for a region
    as a whole, by a threshold on its evidence. Were the probabilities themselves cut at a threshold
    from good parts, that threshold would move every outline.

    Parameters
    ----------
    probabilities
        N×H×W, between 0 and 1. What is above a half and connected, corners too, is a region.
    evidence
        N×H×W, at least 0: an anomaly map, say, or the probabilities, smoothed.

    Returns
    -------
    numpy.ndarray
        float32, N×H×W.

    Raises
    ------
    ValueError
        When the shapes differ, or an evidence is below 0.
    """
    if probabilities.shape != evidence.shape:
        raise ValueError(
            f"probabilities and evidence must fit; got {probabilities.shape} and {evidence.shape}."
        )
    if evidence.size and evidence.min() < 0:
        raise ValueError("evidence must be at least 0, for 0 means that nothing is marked.")
    found = np.zeros(probabilities.shape, np.float32)
    for out, probability, scores in zip(found, probabilities, evidence, strict=True):
        numbered, count = ndimage.label(probability > HALF, NEIGHBOURS)
        if count:
            highest = ndimage.maximum(scores, numbered, range(1, count + 1))
            out[:] = np.concatenate([[0.0], highest])[numbered]
    return found
