"""A larger test set for a category with few good test images."""

from dataclasses import replace

import numpy as np

from helpers.datasets import Category


def lend(category: Category, count: int) -> Category:
    """Move the last ``count`` training images to the test set, as good ones.

    Raises
    ------
    ValueError
        When ``count`` is negative or would leave no training image.
    """
    if not 0 <= count < len(category.train):
        raise ValueError(
            f"from 0 to {len(category.train) - 1} of the {len(category.train)} training images can "
            f"be lent to the test set; got {count}."
        )
    if not count:
        return category
    side = category.train.shape[2:]
    return replace(
        category,
        train=category.train[:-count],
        train_files=category.train_files[:-count],
        test=np.concatenate([category.train[-count:], category.test]),
        test_files=category.train_files[-count:] + category.test_files,
        labels=np.concatenate([np.zeros(count, category.labels.dtype), category.labels]),
        defects=np.concatenate([np.full(count, "good"), category.defects]),
        masks=np.concatenate([np.zeros((count, *side), bool), category.masks]),
        fingerprint=f"{category.fingerprint}, {count} lent",
    )
