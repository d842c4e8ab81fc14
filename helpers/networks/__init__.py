"""Backbones, their weights, and how networks are trained and used."""

from helpers.networks.backbone import trainable_backbone
from helpers.networks.features import concatenated, patch_features
from helpers.networks.normalisation import averaged_normalisation
from helpers.networks.seeding import epoch_seed, seeded
from helpers.networks.training import TrainingSettings
