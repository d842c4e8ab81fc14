"""A small detector of TorchVision's parts: a pretrained trunk, a pyramid, and FCOS on top."""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSHead
from torchvision.ops import FeaturePyramidNetwork

from helpers.networks.backbone import backbone


@dataclass(frozen=True)
class BoxNetworkSettings:
    """The shape of the detector.

    Attributes
    ----------
    weights
        What the ResNet18 trunk begins with; see ``helpers.networks.backbone.backbone``.
    layers
        Layers of the trunk that the pyramid stands on, from fine to coarse.
    trained
        Layers of the trunk that are trained on; the others stay as they are.
    width
        Channels of the pyramid and of the heads; a multiple of 32, for their normalisation.
    depth
        Convolutions in each head before its last.
    reach
        A map answers for boxes whose farthest edge is up to 8 × ``reach`` of its strides away, and
        leaves larger ones to the next map. TorchVision has 1, for pictures of 800 pixels.
    radius
        How far from its centre a box has places that answer for it, in strides × ``reach``.
    least_score, same_iou
        Boxes below this score are dropped, and so are boxes that overlap a surer one of their
        class by more than this IoU.
    """

    weights: str = "formula"
    layers: tuple[str, ...] = ("layer1", "layer2", "layer3")
    trained: tuple[str, ...] = ("layer2", "layer3")
    width: int = 64
    depth: int = 2
    reach: float = 0.5
    radius: float = 3.0
    least_score: float = 0.02
    same_iou: float = 0.5

    def __post_init__(self) -> None:
        if self.width < 32 or self.width % 32:
            raise ValueError(f"width must be a multiple of 32; got {self.width}.")
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1; got {self.depth}.")


class Pyramid(nn.Module):
    """The trunk and a feature pyramid on it (Lin et al., CVPR 2017).

    Coarse maps know what, fine maps know where: each map gets the next coarser one, enlarged, added
    to it. All maps leave with the same number of channels.
    """

    def __init__(self, settings: BoxNetworkSettings) -> None:
        super().__init__()
        # The normalisations are folded: with four pictures a step, their averages would be noise.
        self.trunk = backbone("resnet18", settings.weights, settings.layers)
        for name, stage in self.trunk.stages.items():
            stage.requires_grad_(name in settings.trained)
        channels = list(self.trunk.channels.values())
        self.pyramid = FeaturePyramidNetwork(channels, settings.width)
        self.out_channels = settings.width

    def forward(self, images: torch.Tensor) -> "OrderedDict[str, torch.Tensor]":
        """Return a map for each layer, B×width×h×w, for images B×3×H×W in [0, 1]."""
        return self.pyramid(OrderedDict(self.trunk(images)))


def box_network(settings: BoxNetworkSettings, classes: int, side: int) -> FCOS:
    """Build the detector: FCOS (Tian et al., ICCV 2019) on a pyramid.

    Parameters
    ----------
    settings
        Its shape.
    classes
        How many there are; TorchVision's FCOS numbers them from 0, there is none for background.
    side
        Of the pictures in pixels; they are not resized.

    Returns
    -------
    FCOS
        In training it takes pictures and targets and returns its three losses; in evaluation it
        takes pictures and returns boxes, labels and scores.
    """
    body = Pyramid(settings)
    strides = tuple(body.trunk.strides.values())
    sizes = tuple((settings.reach * stride,) for stride in strides)
    network = FCOS(
        body,
        num_classes=classes,
        min_size=side,
        max_size=side,
        image_mean=[0.0] * 3,  # the trunk does it itself
        image_std=[1.0] * 3,
        anchor_generator=AnchorGenerator(sizes, ((1.0,),) * len(strides)),
        head=FCOSHead(settings.width, 1, classes, settings.depth),
        center_sampling_radius=settings.radius,
        score_thresh=settings.least_score,
        nms_thresh=settings.same_iou,
        detections_per_img=100,
    )
    # TorchVision would pad the pictures to multiples of 32; coarse maps then see a black margin.
    network.transform.size_divisible = max(strides)
    return network
