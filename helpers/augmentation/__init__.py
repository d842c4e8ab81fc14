"""Changes of training pictures: colours, and damage made on purpose."""

from helpers.augmentation.colour_jitter import colour_jitter
from helpers.augmentation.cut_and_paste import Cuts, paste, stains
