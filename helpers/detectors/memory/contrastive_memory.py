"""Contrastive memory: PatchCore's memory, of features that contrastive learning has shaped."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.augmentation.cut_and_paste import CUTS, paste
from helpers.detectors.memory.contrastive_loss import info_nce, off_diagonal, two_views, varied
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.errors import check_least, check_names
from helpers.machine import this_machine
from helpers.metrics.scores import Scores
from helpers.networks.backbone import Backbone, FeatureExtractor, trainable_backbone
from helpers.networks.features import concatenated
from helpers.networks.inference import check_fitted, in_batches
from helpers.networks.learner import Learner
from helpers.networks.normalisation import averaged_normalisation
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings, train

SETTLING = 64  # images that the normalisations are averaged over, at most
OTHER_PATCHES = "other patches"


@dataclass(frozen=True)
class ContrastiveMemorySettings:
    """Settings of the contrastive memory.

    Attributes
    ----------
    memory
        Of the memory, which is PatchCore's, and of the backbone that is trained on.
    dimensions
        Of the embeddings that the loss compares.
    temperature
        Of the loss; see ``helpers.detectors.memory.contrastive_loss.info_nce``.
    negatives
        What a patch is told from: damage, of ``augmentation.cut_and_paste.CUTS``, of which a step
        draws one kind; ``"other patches"``, the other good patches of the batch; or all of them.
    crop
        Side of the squares that training looks at, as a share of the image's.
    patches
        How many patches of a square take part in the loss.
    shift
        How far the two views of a square may lie apart, as a share of the image's side.
    jitter, noise
        Strength of the views' changes of colour, and standard deviation of their noise.
    training
        Of the encoder. The seed is also that of random weights.
    """

    memory: PatchCoreSettings = field(default_factory=PatchCoreSettings)
    dimensions: int = 128
    temperature: float = 0.1
    negatives: tuple[str, ...] = ("patch", "scar")
    crop: float = 1 / 4
    patches: int = 4
    shift: float = 1 / 64
    jitter: float = 0.1
    noise: float = 0.02
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=5, batch_size=32)
    )

    def __post_init__(self) -> None:
        check_names(self, "negatives", (*CUTS, OTHER_PATCHES))
        if not self.temperature > 0:
            raise ValueError(f"temperature must be above 0; got {self.temperature}.")
        if not 0 < self.crop <= 1:
            raise ValueError(f"crop must be above 0 and at most 1; got {self.crop}.")
        if self.training.batch_size < 2:
            raise ValueError(
                "contrastive learning tells images from one another: a batch needs 2 or more; "
                f"got a batch_size of {self.training.batch_size}."
            )
        check_least(self, dimensions=1, patches=2, shift=0, noise=0)


class ContrastiveEncoder(nn.Module):
    """A trunk, and a small head that turns the features of each patch into an embedding.

    The head serves the loss only. What is remembered are the trunk's features: they keep more than
    the loss asks for (Chen et al., ICML 2020, Section 4.2).
    """

    def __init__(self, trunk: FeatureExtractor, dimensions: int, patch: int) -> None:
        super().__init__()
        self.trunk, self.patch = trunk, patch
        width = sum(trunk.channels.values())
        self.head = nn.Sequential(
            nn.Conv2d(width, width, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, dimensions, 1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return an embedding of each patch, B×D×h×w."""
        return self.head(concatenated(self.trunk(images), self.patch)).float()


class ContrastiveMemoryDetector(Learner):
    """Score patches by the distance to a memory, in features trained to tell good from damaged.

    Two views of the same patch of a good image shall be alike, a patch damaged by CutPaste unlike
    both: InfoNCE over patches, the damaged ones being its negatives, as images changed for the
    worse are in Tack et al., "CSI", NeurIPS 2020, Section 2.2. Then the head is dropped, and the
    trained trunk's features of good images are the memory of a PatchCore.

    Attributes
    ----------
    backbone
        The trained trunk, after ``fit``; its ``source`` says what it began with.
    history
        What its training did.
    bank
        The PatchCore over the trained features.
    memory
        Its entries, M×C.
    """

    revision = 4
    settings_class = ContrastiveMemorySettings

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images and remember them: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer images than a batch, or than the memory needs.
        """
        s, m, machine = self.settings, self.settings.memory, this_machine()
        trunk = trainable_backbone(m.architecture, m.weights, m.layers, s.training.seed)
        with seeded(s.training.seed):
            encoder = ContrastiveEncoder(trunk, s.dimensions, m.patch)
        self.history = train(encoder, images, self.loss, s.training, title="contrastive")
        # From here on the trunk sees whole images: its normalisations shall be theirs.
        some = images[:: -(-len(images) // SETTLING)]
        with averaged_normalisation(trunk), machine.autocast():
            for batch in in_batches(some, machine):
                trunk(batch)
        self.backbone = Backbone(trunk.cpu())
        self.bank = PatchCoreDetector(m, self.backbone).fit(images)
        self.memory = self.bank.memory
        return self

    def loss(self, encoder: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        """Return the InfoNCE loss of a batch of good images B×3×H×W in [0, 1]."""
        s, whole = self.settings, batch.shape[-1]
        first, second, plain = two_views(
            batch, round(s.crop * whole), round(s.shift * whole), s.jitter, s.noise
        )
        parts, kinds = [first, second], [kind for kind in s.negatives if kind in CUTS]
        if kinds:
            kind = kinds[int(torch.randint(len(kinds), ()))]
            damaged, where = paste(plain, CUTS[kind](len(plain), plain.shape[-1], whole), s.jitter)
            parts.append(varied(damaged, s.jitter, s.noise))
        maps = functional.normalize(encoder(torch.cat(parts)), dim=1)
        queries, keys, *bad = maps.split(len(batch))
        chosen = torch.rand(len(batch), queries[0, 0].numel(), device=batch.device)
        chosen = chosen.topk(min(s.patches, chosen.shape[1])).indices
        queries, keys = patches_at(queries, chosen), patches_at(keys, chosen)
        negatives = [queries @ damaged_patches(maps, where).T for maps in bad]
        if OTHER_PATCHES in s.negatives:
            negatives.append(off_diagonal(queries @ keys.T))
        return info_nce((queries * keys).sum(1), torch.cat(negatives, 1), s.temperature)

    def _learned(self) -> dict[str, Any]:
        return {"bank": self.bank.state()}

    def _recall(self, state: dict[str, Any]) -> None:
        self.bank = PatchCoreDetector(self.settings.memory).restore(state["bank"])
        self.backbone, self.memory = self.bank.backbone, self.bank.memory

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return what the memory's PatchCore does, see ``Learner``."""
        return self.bank.tensor_maps(batch)

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        check_fitted(self, "bank")
        return self.bank.predict(images)


def patches_at(maps: torch.Tensor, patches: torch.Tensor) -> torch.Tensor:
    """Take from maps B×D×h×w the embeddings of patches B×K, counted row by row: (B·K)×D."""
    rows = maps.flatten(2)
    taken = rows.gather(2, patches[:, None].expand(-1, rows.shape[1], -1))
    return taken.transpose(1, 2).flatten(0, 1)


def damaged_patches(maps: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """Take from maps B×D×h×w the embeddings of damaged patches: M×D, one an image at least.

    A patch is damaged when ``where``, B×H×W, covers half of it; or it is the most covered one.
    """
    share = functional.adaptive_avg_pool2d(where[:, None].float(), maps.shape[2:])[:, 0]
    enough = share.amax((1, 2), keepdim=True).clamp_max(0.5)
    return maps.permute(0, 2, 3, 1)[share >= enough]
