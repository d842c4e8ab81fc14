"""A small detector of TorchVision's parts: a pretrained backbone, a pyramid, and FCOS on top."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSHead
from torchvision.ops import FeaturePyramidNetwork

from helpers.networks.backbone import Backbone, backbone


@dataclass(frozen=True)
class BoxNetworkSettings:
    """The shape of the detector.

    Attributes
    ----------
    weights
        What the ResNet18 backbone begins with; see ``helpers.networks.backbone.backbone``.
    layers
        Layers of the backbone that the pyramid stands on, from fine to coarse.
    trained
        Layers of the backbone that are trained on; the others stay as they are.
    width
        Channels of the pyramid and of the heads; a multiple of 32, for their normalisation.
    depth
        Convolutions in each head before its last.
    anchor_scale
        A map predicts boxes whose farthest edge is up to 8 × ``anchor_scale`` of its strides away,
        and leaves larger ones to the next map. TorchVision has 1, for pictures of 800 pixels.
    radius
        How far from its centre a box has positions that predict it, in strides × ``anchor_scale``.
    score_threshold, nms_iou
        Boxes below this score are dropped, and so are boxes that overlap a more confident one of
        their class by more than this IoU (non-maximum suppression).
    """

    weights: str = "formula"
    layers: tuple[str, ...] = ("layer1", "layer2", "layer3")
    trained: tuple[str, ...] = ("layer2", "layer3")
    width: int = 64
    depth: int = 2
    anchor_scale: float = 0.5
    radius: float = 3.0
    score_threshold: float = 0.02
    nms_iou: float = 0.5

    def __post_init__(self) -> None:
        if self.width < 32 or self.width % 32:
            raise ValueError(f"width must be a multiple of 32; got {self.width}.")
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1; got {self.depth}.")


class Pyramid(nn.Module):
    """The backbone and a feature pyramid on it (Lin et al., CVPR 2017).

    Coarse maps know what, fine maps know where: each map gets the next coarser one, enlarged, added
    to it. All maps leave with the same number of channels.
    """

    def __init__(self, settings: BoxNetworkSettings, body: Backbone | None = None) -> None:
        super().__init__()
        # The normalisations are folded: with four pictures a step, their averages would be noise.
        self.body = body or backbone("resnet18", settings.weights, settings.layers)
        trained = tuple(f"{layer}." for layer in settings.trained)
        for name, numbers in self.body.network.named_parameters():
            numbers.requires_grad_(name.startswith(trained))
        channels = list(self.body.channels.values())
        self.pyramid = FeaturePyramidNetwork(channels, settings.width)
        self.out_channels = settings.width

    def forward(self, images: torch.Tensor) -> "OrderedDict[str, torch.Tensor]":
        """Return a map for each layer, B×width×h×w, for images B×3×H×W in [0, 1]."""
        return self.pyramid(OrderedDict(self.body(images)))


def box_network(
    settings: BoxNetworkSettings,
    classes: int,
    side: int,
    *,
    pyramid: Pyramid | None = None,
    head: FCOSHead | None = None,
) -> FCOS:
    """Build the detector: FCOS (Tian et al., ICCV 2019) on a pyramid.

    Parameters
    ----------
    settings
        Its shape.
    classes
        How many there are; TorchVision's FCOS numbers them from 0, there is none for background.
    side
        Of the pictures in pixels; they are not resized.
    pyramid, head
        In place of those of the settings.

    Returns
    -------
    FCOS
        In training it takes pictures and targets and returns its three losses; in evaluation it
        takes pictures and returns boxes, labels and scores.
    """
    pyramid = pyramid or Pyramid(settings)
    strides = tuple(pyramid.body.strides.values())
    sizes = tuple((settings.anchor_scale * stride,) for stride in strides)
    network = FCOS(
        pyramid,
        num_classes=classes,
        min_size=side,
        max_size=side,
        image_mean=[0.0] * 3,  # the backbone does it itself
        image_std=[1.0] * 3,
        anchor_generator=AnchorGenerator(sizes, ((1.0,),) * len(strides)),
        head=head or FCOSHead(settings.width, 1, classes, settings.depth),
        center_sampling_radius=settings.radius,
        score_thresh=settings.score_threshold,
        nms_thresh=settings.nms_iou,
        detections_per_img=100,
    )
    # TorchVision would pad the pictures to multiples of 32; coarse maps then see a black margin.
    network.transform.size_divisible = max(strides)
    return network
