"""How good SAM's masks are with prompts from an anomaly map, and what they add to the map."""

import numpy as np
import pandas as pd
import torch

from helpers.data.category import Category
from helpers.metrics.masks import mask_summary, mask_table
from helpers.metrics.pixel import pixel_report
from helpers.segmentation.promptable import Embeddings
from helpers.segmentation.promptable_model import Promptable
from helpers.segmentation.prompts import PROMPT_TYPES, prompts_from_map
from helpers.segmentation.sam import Sam

BATCH = 4


def evaluate_map_prompts(
    sam: Sam | Promptable,
    category: Category,
    maps: np.ndarray,
    rows: np.ndarray,
    embeddings: torch.Tensor | Embeddings | None = None,
) -> pd.DataFrame:
    """Segment test pictures with prompts from their maps alone, and measure.

    Each object of a map has a prompt; what SAM finds for any of them is the mask of the picture.

    Parameters
    ----------
    sam
        With or without trained weights; without, the figures mean nothing.
    category
        Its masks serve to measure, not to prompt.
    maps
        N×H×W, anomaly maps of all test pictures.
    rows
        Numbers of the test pictures to evaluate.
    embeddings
        What ``sam.embed`` gave for these pictures, if it ran before; a fine-tuned decoder has the
        same.

    Returns
    -------
    pandas.DataFrame
        A row for each type of prompt, and one for the map alone: mean IoU, Dice and boundary F over
        the defective pictures, pixel AUROC and AUPRO. The latter two are of the map, divided by its
        largest value, plus SAM's probabilities.
    """
    truth, heat = category.masks[rows], maps[rows]
    alone = pixel_report(truth, heat)
    table = {"map alone": {"pixel AUROC": alone.auroc, "AUPRO": alone.aupro}}
    if embeddings is None:
        embeddings = sam.embed(category.test[rows], BATCH)
    for prompt_type in PROMPT_TYPES:
        asked = [
            (row, prompt)
            for row, scores in enumerate(heat)
            for prompt in prompts_from_map(scores, prompt_type)
        ]
        probabilities = np.zeros(heat.shape, np.float32)
        with torch.inference_mode():
            for start in range(0, len(asked), BATCH):
                pictures, prompts = zip(*asked[start : start + BATCH], strict=True)
                logits = sam.logits(embeddings[list(pictures)], prompts, heat.shape[-1])
                np.maximum.at(probabilities, list(pictures), logits.sigmoid().cpu().numpy())
        masks = mask_table(probabilities > 0.5, truth, category.defects[rows])
        both = pixel_report(truth, heat / heat.max() + probabilities)
        table[f"prompt: {prompt_type}"] = {
            **mask_summary(masks).loc["all defective"].to_dict(),
            "pixel AUROC": both.auroc,
            "AUPRO": both.aupro,
        }
    return pd.DataFrame(table).T
