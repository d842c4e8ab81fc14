"""The small detector with words for classes: any text of known words is one."""

from collections import OrderedDict
from collections.abc import Sequence
from types import MappingProxyType

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.detection.fcos import FCOS, FCOSHead
from torchvision.ops import sigmoid_focal_loss

from helpers.detection.network import BoxNetworkSettings, Pyramid, box_network
from helpers.errors import did_you_mean
from helpers.formulas.captions import WORDS, memberships, words_of
from helpers.networks.architectures import LITE
from helpers.networks.backbone import Backbone, backbone

LENGTH = 64  # numbers of a word's vector, and of a position's feature vector
SIDE = 128  # of the pictures that it was trained on, in pixels
UNTRAINED = "backbone.body."  # what is under this name does not ship
# Architectures of the body, with the weights and the layers of strides 4, 8 and 16.
BODIES = MappingProxyType(
    {
        LITE: ("imagenet", ("stride 4", "stride 8", "stride 16")),
        "resnet18": ("formula", ("layer1", "layer2", "layer3")),
    }
)


class WordHead(FCOSHead):
    """FCOS's head, whose class logits are cosines: a position's features against each text.

    A text's vector is the mean of its words' vectors. After CLIP (Radford et al., ICML 2021) and
    YOLO-World (Cheng et al., CVPR 2024), but the words' vectors are a table that is learned with
    the rest.

    Attributes
    ----------
    vectors
        One a word of ``WORDS``.
    texts
        bool, T×``len(WORDS)``: the words of each text that is asked for.
    """

    def __init__(self, settings: BoxNetworkSettings) -> None:
        super().__init__(settings.width, 1, LENGTH, settings.depth)
        # FCOS begins with rare classes; here it would be one large feature vector everywhere.
        nn.init.zeros_(self.classification_head.cls_logits.bias)
        self.vectors = nn.Parameter(torch.randn(len(WORDS), LENGTH) / LENGTH**0.5)
        self.scale = nn.Parameter(torch.tensor(2.0))  # its exponential multiplies the cosine
        self.bias = nn.Parameter(torch.tensor(-4.6))  # a text is true of one position in a hundred
        self.register_buffer("texts", torch.zeros(0, len(WORDS), dtype=torch.bool), False)

    def ask(self, texts: Sequence[str] | torch.Tensor) -> None:
        """Choose the classes: texts of known words, or which words each has."""
        if not isinstance(texts, torch.Tensor):
            texts = torch.from_numpy(memberships([words_of(text) for text in check_texts(texts)]))
        self.texts = texts.to(self.vectors.device)

    def text_vectors(self) -> torch.Tensor:
        """Return the vector of each text, of length 1: T×``LENGTH``."""
        return functional.normalize(self.texts.float() @ self.vectors, dim=1)

    def forward(self, maps: list[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return what FCOS's head does for maps B×C×h×w; the class logits are B×positions×T."""
        answers = super().forward(maps)
        features = answers["cls_logits"]
        with torch.autocast(features.device.type, enabled=False):
            cosines = functional.normalize(features.float(), dim=2) @ self.text_vectors().T
            logits = self.scale.exp() * cosines + self.bias
        return answers | {"cls_logits": logits}

    def compute_loss(
        self,
        targets: list[dict[str, torch.Tensor]],
        head_outputs: dict[str, torch.Tensor],
        anchors: list[torch.Tensor],
        matched_idxs: list[torch.Tensor],
    ) -> dict[str, torch.Tensor]:
        """Return FCOS's losses, where several texts may be true of an object.

        ``truth`` of a target says which, bool K×T; without it an object has the text of its label.
        """
        logits = head_outputs["cls_logits"]
        there = torch.zeros_like(logits)
        for row, (target, matched) in enumerate(zip(targets, matched_idxs, strict=True)):
            truth = target.get("truth")
            if truth is None:
                truth = functional.one_hot(target["labels"], logits.shape[2])
            there[row, matched >= 0] = truth[matched[matched >= 0]].to(there.dtype)
        # The other two losses do not look at classes.
        parts = super().compute_loss(
            [target | {"labels": torch.zeros_like(target["labels"])} for target in targets],
            head_outputs | {"cls_logits": logits[..., :1].detach()}, anchors, matched_idxs,
        )  # fmt: skip
        found = sigmoid_focal_loss(logits, there, reduction="sum")
        return parts | {"classification": found / there.sum().clamp(min=1)}


def check_texts(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the texts; raise ``ValueError`` where there is none, or two ask for the same."""
    if isinstance(texts, str):
        raise TypeError(f"give a list of texts, such as ['dark spot', 'thin line']; got {texts!r}.")
    if not texts or len({frozenset(words_of(text)) for text in texts}) < len(texts):
        raise ValueError(f"give one text at least, and none twice; got {list(texts)}.")
    return tuple(texts)


class WordPyramid(Pyramid):
    """The pyramid, on maps of one scale, and told the colours, which its body has forgotten."""

    def __init__(self, settings: BoxNetworkSettings, body: Backbone | None = None) -> None:
        super().__init__(settings, body)
        self.scales = nn.ModuleDict(
            {str(i): nn.GroupNorm(1, c) for i, c in enumerate(self.body.channels.values())}
        )
        half = settings.width // 2
        self.colours = nn.Sequential(
            nn.Conv2d(3, half, 3, 2, 1), nn.ReLU(), nn.Conv2d(half, settings.width, 3, 2, 1),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> "OrderedDict[str, torch.Tensor]":
        """Return a map for each layer, B×width×h×w, for images B×3×H×W in [0, 1]."""
        maps = self.body(images).items()
        scaled = OrderedDict(
            (name, norm(m)) for (name, m), norm in zip(maps, self.scales.values(), strict=True)
        )
        colours = self.colours((images - 0.5) * 4)
        return OrderedDict(
            (name, m + functional.adaptive_avg_pool2d(colours, m.shape[2:]))
            for name, m in self.pyramid(scaled).items()
        )


def word_network(body: str = LITE, side: int = SIDE) -> FCOS:
    """Build the detector with random weights on a frozen body with its own, one of ``BODIES``.

    Raises
    ------
    ValueError
        When there is no such body.
    """
    if body not in BODIES:
        raise ValueError(f"no body '{body}'. {did_you_mean(body, BODIES)}")
    weights, layers = BODIES[body]
    settings = BoxNetworkSettings(weights, layers, trained=())
    pyramid = WordPyramid(settings, backbone(body, weights, layers))
    return box_network(settings, LENGTH, side, pyramid=pyramid, head=WordHead(settings))


def trained_state(network: FCOS) -> dict[str, torch.Tensor]:
    """Return all that is not the body's."""
    return {k: v for k, v in network.state_dict().items() if not k.startswith(UNTRAINED)}
