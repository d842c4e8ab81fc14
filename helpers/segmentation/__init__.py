"""From pictures with masks to a segmenter, with and without prompts."""

from helpers.segmentation.losses import MaskLoss
from helpers.segmentation.segmenter import Segmenter, SegmenterSettings
