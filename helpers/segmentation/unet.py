"""U-Nets: an encoder to ever coarser maps, a decoder back to full size, skips between them."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from helpers.networks.backbone import FeatureExtractor, trainable_backbone
from helpers.networks.seeding import seeded

SMALL = "small"  # an encoder of the U-Net's own, trained from scratch


def block(*widths: int) -> nn.Sequential:
    """Convolutions of 3×3 from each width to the next, with batch normalisation and a ReLU."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class SmallEncoder(nn.Module):
    """A block at each level; before each but the first the maximum of squares of 2×2.

    Parameters
    ----------
    widths
        Channels of the levels, the finest first.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(widths)
        self.strides = tuple(2**level for level in range(len(widths)))
        self.levels = nn.ModuleList(block(a, b, b) for a, b in pairwise((3, *widths)))

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps of all levels, the finest first, for images B×3×H×W in [0, 1]."""
        value, maps = (images - 0.5) / 0.25, []
        for number, level in enumerate(self.levels):
            value = level(functional.max_pool2d(value, 2) if number else value)
            maps.append(value)
        return maps


class PretrainedEncoder(nn.Module):
    """A network trained elsewhere, and beside it a fresh block that keeps the full resolution.

    ResNet18 halves the picture before its first map. A crack one pixel wide would be gone, so the
    finest level, of ``finest`` channels, looks at the picture itself.
    """

    def __init__(self, backbone: FeatureExtractor, finest: int) -> None:
        super().__init__()
        self.backbone, self.full = backbone, block(3, finest, finest)
        self.channels = (finest, *backbone.channels.values())
        self.strides = (1, *backbone.strides.values())

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps of all levels, the finest first, for images B×3×H×W in [0, 1]."""
        return [self.full((images - 0.5) / 0.25), *self.backbone(images).values()]


class UNet(nn.Module):
    """From pictures to a logit a pixel (Ronneberger et al., MICCAI 2015).

    Unlike there, convolutions are padded, so that the output has the input's size, and normalised
    by batch, and a level on the way up has one of 3×3 instead of two: most of the time goes there.

    Parameters
    ----------
    encoder
        Gives maps at several strides; its ``channels`` and ``strides`` describe them.
    widths
        Channels of the decoder's levels, the finest first: one fewer than the encoder's.
    skips
        Levels of the encoder that are handed across, 0 being the finest; all when not given.

    Raises
    ------
    ValueError
        When widths and encoder do not fit, or a skip is none of the levels.
    """

    def __init__(
        self,
        encoder: SmallEncoder | PretrainedEncoder,
        widths: Sequence[int],
        skips: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        count = len(encoder.channels) - 1
        if count < 1 or len(widths) != count:
            raise ValueError(
                f"an encoder of {count + 1} levels needs {count} widths, at least 1; got {widths}."
            )
        self.skips = tuple(range(count)) if skips is None else tuple(skips)
        if not set(self.skips) <= set(range(count)):
            raise ValueError(f"skips must be some of {list(range(count))}; got {self.skips}.")
        self.encoder = encoder
        below = (*widths[1:], encoder.channels[-1])
        handed = [c if i in self.skips else 0 for i, c in enumerate(encoder.channels[:-1])]
        self.narrow = nn.ModuleList(nn.Conv2d(b, w, 1) for b, w in zip(below, widths, strict=True))
        self.decoder = nn.ModuleList(block(w + h, w) for w, h in zip(widths, handed, strict=True))
        self.head = nn.Conv2d(widths[0], 1, 1)
        # Defects are rare: begin with that belief, instead of learning it first.
        nn.init.constant_(self.head.bias, -3.0)

    @property
    def stride(self) -> int:
        """Pixels of the input for one patch of the coarsest map; sides must be its multiples."""
        return self.encoder.strides[-1]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits B×H×W for images B×3×H×W in [0, 1].

        Raises
        ------
        ValueError
            When a side of the images is no multiple of ``stride``.
        """
        if any(side % self.stride for side in images.shape[2:]):
            raise ValueError(
                f"sides of {tuple(images.shape[2:])} pixels are no multiples of {self.stride}, "
                "which this U-Net needs. Load the pictures at another size."
            )
        maps = self.encoder(images)
        value = maps[-1]
        for level in reversed(range(len(self.decoder))):
            value = self.narrow[level](value)
            value = functional.interpolate(value, maps[level].shape[2:], mode="nearest")
            if level in self.skips:
                value = torch.cat([value, maps[level]], 1)
            value = self.decoder[level](value)
        return self.head(value)[:, 0]


def unet(
    encoder: str = SMALL,
    width: int = 16,
    levels: int = 4,
    skips: Sequence[int] | None = None,
    seed: int = 0,
) -> UNet:
    """Build a U-Net.

    Parameters
    ----------
    encoder
        ``"small"``, with ``width`` channels at the finest level, twice as many at each coarser
        one; or the weights of a pretrained network (``"formula"``, ``"imagenet"``, ``"random"``,
        ``"auto"``, a file; see ``networks.backbone.backbone``, which chooses the network for them),
        with a fresh level of ``width`` channels before it.
    width, levels
        Channels of the finest level; levels, that of the full size included (2 to 5).
    skips
        As for ``UNet``.
    seed
        Of the random weights.

    Raises
    ------
    ValueError
        When a number is out of range or there are no such weights.
    """
    if width < 1 or not 2 <= levels <= 5:
        raise ValueError(
            f"width must be at least 1 and levels from 2 to 5; got {width} and {levels}."
        )
    with seeded(seed):
        if encoder == SMALL:
            body = SmallEncoder([width << level for level in range(levels)])
            return UNet(body, body.channels[:-1], skips)
        layers = ("stride 2", "stride 4", "stride 8", "stride 16")[: levels - 1]
        backbone = trainable_backbone("auto", encoder, layers, seed)
        return UNet(
            PretrainedEncoder(backbone, width),
            [width << level for level in range(levels - 1)],
            skips,
        )
