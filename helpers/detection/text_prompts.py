"""Prompts that are words, and the numbers that stand for them."""

import hashlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

EMBEDDING = 512  # numbers that stand for a text, as CLIP's ViT-B/32 gives them

Embed = Callable[[Sequence[str]], torch.Tensor]


def stand_in_embedding(texts: Sequence[str]) -> torch.Tensor:
    """Return random directions for texts, N×512: the same text, the same direction.

    They stand in for a text encoder's embeddings where it is not to be had. Shapes and training
    are the same; what is lost is meaning: "crack" is as far from "crevice" as from "giraffe".
    """
    rows = []
    for text in texts:
        digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "big"))
        rows.append(rng.normal(size=EMBEDDING))
    found = torch.tensor(np.array(rows), dtype=torch.float32).reshape(-1, EMBEDDING)
    return nn.functional.normalize(found, dim=1)


def clip_embedding(network: nn.Module) -> Embed | None:
    """Return CLIP's text encoder as ultralytics calls it, if it is installed and its weights are.

    ultralytics would install the package and download 350 MB by itself, without asking.
    """
    cached = Path.home() / ".cache" / "clip" / "ViT-B-32.pt"
    if find_spec("clip") is None or not cached.is_file():
        return None
    return lambda texts: network.get_text_pe(list(texts))[0].float()


def check_prompts(prompts: Sequence[str]) -> tuple[str, ...]:
    """Return the prompts; any script and any blanks are allowed.

    Raises
    ------
    TypeError
        When they are not a list of texts: a box or a point is a prompt for chapter 17's model.
    ValueError
        When there is none, one is empty, or one occurs twice.
    """
    if isinstance(prompts, str) or not all(isinstance(prompt, str) for prompt in prompts):
        raise TypeError(
            f"prompts of YOLO-World are texts, such as ['crack', 'hole']; got {prompts!r}. Boxes "
            "and points are prompts for a segmenter."
        )
    named = tuple(" ".join(prompt.split()) for prompt in prompts)
    if not named or not all(named) or len(set(named)) < len(named):
        raise ValueError(f"give one prompt at least, none empty and none twice; got {prompts!r}.")
    return named
