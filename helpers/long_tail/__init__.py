"""Classes of very different sizes; chapters import what they use from here."""

from helpers.long_tail.classifier import REMEDIES, DefectClassifier
from helpers.long_tail.counts import imbalance_factor, long_tailed_counts, shot_groups
from helpers.long_tail.losses import LOSSES, class_weights
from helpers.long_tail.mixing import (
    BalancedMixup,
    balanced_mixup,
    balanced_share,
    mix,
    mixup,
    one_hot,
)
from helpers.long_tail.priors import mixed_prior, with_prior
from helpers.long_tail.sampling import PowerSampler, sampling_probabilities
