"""A small segmenter that is told by points and boxes what to outline, made of SAM's three parts.

After Kirillov et al., "Segment Anything" (ICCV 2023, Appendix A): an image encoder that runs once
a picture; a prompt encoder; and a mask decoder whose tokens look at the picture's map and the
picture's map at them, twice. Here the image encoder is EfficientNet-Lite0 with its ImageNet
weights, frozen, and what a prompt says is also drawn as a picture, which takes SAM's way for masks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import nn
from torch.nn import functional

from helpers.networks.architectures import LITE
from helpers.networks.backbone import backbone

LAYERS = ("stride 2", "stride 4", "stride 8", "stride 16", "features.7")
PLUS, MINUS, PADDING = 1, 0, -1  # labels of points: on the object, off it, not there
MASKS = 3  # answers to a single point, which may mean a part or the whole
DOT = 3.0  # standard deviation of a drawn point, in pixels


@dataclass(frozen=True)
class Size:
    """How wide the network is.

    Attributes
    ----------
    width, middle, fine
        Features at strides 8, 4 and 2.
    heads, layers
        Of the attention between the tokens and the map.
    """

    width: int = 128
    middle: int = 32
    fine: int = 16
    heads: int = 4
    layers: int = 2


@dataclass(frozen=True, eq=False)
class Embeddings:
    """What the image encoder gives for B pictures: float32 maps at strides 8, 4 and 2."""

    coarse: torch.Tensor
    middle: torch.Tensor
    fine: torch.Tensor

    def __len__(self) -> int:
        return len(self.coarse)

    def __getitem__(self, rows: object) -> Self:
        """Return those of some pictures."""
        return type(self)(self.coarse[rows], self.middle[rows], self.fine[rows])

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Join those of several batches, free of what made them."""
        columns = zip(*((e.coarse, e.middle, e.fine) for e in parts), strict=True)
        # A tensor made in inference mode could not take part in training: hence the copy.
        return cls(*(torch.cat([m.float() for m in column]).clone() for column in columns))

    def repeated(self, times: int) -> Self:
        """Return each picture's maps so many times in a row, without a copy of a gradient."""
        return type(self)(
            *(
                maps[:, None].expand(-1, times, -1, -1, -1).flatten(0, 1)
                for maps in (self.coarse, self.middle, self.fine)
            )
        )


@dataclass(frozen=True, eq=False)
class Prompts:
    """A prompt for each of B objects, as tensors, in shares of the picture's side.

    Attributes
    ----------
    points
        B×P×2, x and y.
    labels
        B×P: ``PLUS``, ``MINUS`` or ``PADDING``.
    boxes
        B×4: left, top, right, bottom.
    boxed
        bool, B: whether the box counts.
    """

    points: torch.Tensor
    labels: torch.Tensor
    boxes: torch.Tensor
    boxed: torch.Tensor

    def to(self, device: str) -> Self:
        """Move them."""
        parts = (self.points, self.labels, self.boxes, self.boxed)
        return type(self)(*(part.to(device) for part in parts))

    @property
    def ambiguous(self) -> torch.Tensor:
        """Whether a prompt is a single point: bool, B."""
        return ~self.boxed & ((self.labels != PADDING).sum(1) == 1)


def convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution, a normalisation of each picture by itself, and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.GroupNorm(8, outputs),
        nn.ReLU(),
    )


def enlarge(maps: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Bring maps to the height and width of others."""
    return functional.interpolate(maps, like.shape[-2:], mode="bilinear", align_corners=False)


class ImageEncoder(nn.Module):
    """Frozen Lite0; what is trained joins its five maps from coarse to fine."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.lite = backbone(LITE, "imagenet", LAYERS)
        two, four, eight, sixteen, last = self.lite.channels.values()
        self.last, self.sixteen, self.eight = (
            nn.Conv2d(channels, size.width, 1) for channels in (last, sixteen, eight)
        )
        self.join16 = convolution(size.width, size.width)
        self.join8 = convolution(size.width, size.width)
        self.mix8 = convolution(size.width, size.width)
        self.four = nn.Conv2d(four, size.middle, 1)
        self.down4 = nn.Conv2d(size.width, size.middle, 1)
        self.join4 = convolution(size.middle, size.middle)
        self.pixels = convolution(3, size.fine, 3, 2)  # Lite0's first map has forgotten colours
        self.two = nn.Conv2d(two, size.fine, 1)
        self.down2 = nn.Conv2d(size.middle, size.fine, 1)
        self.join2 = convolution(size.fine, size.fine)

    def forward(self, pictures: torch.Tensor) -> Embeddings:
        """Return the maps of pictures B×3×H×W in [0, 1], H and W multiples of 32."""
        with torch.no_grad():
            two, four, eight, sixteen, last = self.lite(pictures).values()
        x = self.sixteen(sixteen)
        x = self.join16(x + enlarge(self.last(last), x))
        skip = self.eight(eight)
        x = self.join8(skip + enlarge(x, skip))
        coarse = x + self.mix8(x)
        skip = self.four(four)
        middle = self.join4(skip + enlarge(self.down4(coarse), skip))
        skip = self.two(two) + self.pixels(pictures - 0.5)
        fine = self.join2(skip + enlarge(self.down2(middle), skip))
        return Embeddings(coarse, middle, fine)


def _at(seen: Embeddings, places: torch.Tensor) -> torch.Tensor:
    """Return the features of the three maps at places B×P×2: B×P×C."""
    found = []
    for maps in (seen.coarse, seen.middle, seen.fine):
        size = torch.tensor((maps.shape[-1], maps.shape[-2]), device=maps.device)
        x, y = (places * size).long().clamp(min=0).minimum(size - 1).unbind(-1)
        index = (y * maps.shape[-1] + x)[:, None].expand(-1, maps.shape[1], -1)
        found.append(maps.flatten(2).gather(2, index).transpose(1, 2))
    return torch.cat(found, -1)


class PromptEncoder(nn.Module):
    """Points and corners become tokens, and pictures of the prompt become maps.

    A position is told by the sines and cosines of random waves (Tancik et al., NeurIPS 2020), what
    it is by a vector that is learned.
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.register_buffer("waves", torch.randn(2, size.width // 2))
        self.kinds = nn.Embedding(5, size.width)  # minus, plus, first corner, last corner, none
        self.glance = nn.Linear(size.width + size.middle + size.fine, size.width)
        self.draw8 = nn.Conv2d(3, size.width, 4, 4)
        self.draw4 = nn.Conv2d(3, size.middle, 2, 2)
        self.draw2 = nn.Conv2d(3, size.fine, 1)

    def position(self, places: torch.Tensor) -> torch.Tensor:
        """Return the code of places …×2 (x and y, in shares of the side): …×C."""
        angle = 2 * torch.pi * (2 * places.float() - 1) @ self.waves.float()
        return torch.cat([angle.sin(), angle.cos()], -1)

    def grid(self, rows: int, columns: int) -> torch.Tensor:
        """Return the codes of a map's positions: (rows · columns)×C."""
        device = self.waves.device
        y = (torch.arange(rows, device=device) + 0.5) / rows
        x = (torch.arange(columns, device=device) + 0.5) / columns
        return self.position(torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).flatten(0, 1))

    def tokens(self, prompts: Prompts, seen: Embeddings) -> torch.Tensor:
        """Return B×(2 + P)×C: the box's corners, then the points.

        SAM's points must find out by attention what is where they are. Ours are told, for a small
        network learns faster so.
        """
        corners = prompts.boxes.unflatten(1, (2, 2))
        places = torch.cat([corners, prompts.points], 1)
        kinds = torch.cat(
            [torch.tensor([[2, 3]], device=places.device).expand(len(places), 2), prompts.labels], 1
        )
        there = torch.cat([prompts.boxed[:, None].expand(-1, 2), prompts.labels != PADDING], 1)
        kinds = torch.where(there, kinds, 4)
        told = self.position(places)
        told = torch.cat([told[:, :2], told[:, 2:] + self.glance(_at(seen, prompts.points))], 1)
        return told * there[..., None] + self.kinds(kinds)

    def drawn(self, prompts: Prompts, rows: int, columns: int) -> torch.Tensor:
        """Return pictures of the prompts, B×3×rows×columns: the box, points on, points off."""
        device = self.waves.device
        y = ((torch.arange(rows, device=device) + 0.5) / rows)[:, None]
        x = (torch.arange(columns, device=device) + 0.5) / columns
        left, top, right, bottom = (side[:, None, None] for side in prompts.boxes.unbind(1))
        # Half a pixel of the map wide on each side of an edge, the coverage falls from 1 to 0.
        inside = (
            (torch.minimum(x - left, right - x) * columns + 0.5).clamp(0, 1)
            * (torch.minimum(y - top, bottom - y) * rows + 0.5).clamp(0, 1)
            * prompts.boxed[:, None, None]
        )
        px, py = (place[..., None, None] for place in prompts.points.unbind(-1))
        squares = ((x - px) * (2 * columns)) ** 2 + ((y - py) * (2 * rows)) ** 2
        dots = (-squares / (2 * DOT**2)).exp()
        plus, minus = (
            (dots * (prompts.labels == label)[..., None, None]).sum(1).clamp(max=1)
            for label in (PLUS, MINUS)
        )
        return torch.stack([inside, plus, minus], 1)


class Attention(nn.Module):
    """Attention of several heads, in half as many features as come in and go out."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, inner) for _ in range(3))
        self.out = nn.Linear(inner, width)

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """Return for each query (B×Q×C) a mixture of the values (B×K×C): B×Q×C."""
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        # Few tokens on one side: on a processor this is faster than PyTorch's own function.
        mixed = (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).flatten(2))


class TwoWayBlock(nn.Module):
    """Tokens look at one another, at the map, and think; then the map looks at the tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.own = Attention(width, heads, width)
        self.look = Attention(width, heads, width // 2)
        self.think = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)
        )
        self.answer = Attention(width, heads, width // 2)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))

    def forward(
        self, tokens: torch.Tensor, places: torch.Tensor, map_: torch.Tensor, grid: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both, changed; ``places`` and ``grid`` say where each token and position is."""
        asked = tokens + places
        tokens = self.norms[0](tokens + self.own(asked, asked, tokens))
        tokens = self.norms[1](tokens + self.look(tokens + places, map_ + grid, map_))
        tokens = self.norms[2](tokens + self.think(tokens))
        map_ = self.norms[3](map_ + self.answer(map_ + grid, tokens + places, tokens))
        return tokens, map_


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Return a network of three layers."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, outputs),
    )  # fmt: skip


class MaskDecoder(nn.Module):
    """From a picture's maps and a prompt's tokens to masks, and to how good each may be."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.asked = nn.Embedding(1 + 1 + MASKS, size.width)  # the IoU's token, then the masks'
        self.blocks = nn.ModuleList(TwoWayBlock(size.width, size.heads) for _ in range(size.layers))
        self.last = Attention(size.width, size.heads, size.width // 2)
        self.norm = nn.LayerNorm(size.width)
        self.up4 = nn.Conv2d(size.width, size.middle, 1)
        self.join4 = nn.Conv2d(size.middle, size.middle, 3, padding=1)
        self.up2 = nn.Conv2d(size.middle, size.fine, 1)
        self.join2 = nn.Conv2d(size.fine, size.fine, 3, padding=1)
        self.weights = nn.ModuleList(
            perceptron(size.width, size.width, size.fine) for _ in range(1 + MASKS)
        )
        self.quality = perceptron(size.width, size.width, 1 + MASKS)

    def forward(
        self, seen: Embeddings, told: torch.Tensor, drawn: Embeddings, grid: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits B×4×h×w at stride 2 and predicted IoUs B×4.

        Mask 0 answers prompts that are clear, masks 1 to 3 a single point.
        """
        asked = self.asked.weight[None].expand(len(told), -1, -1)
        places = torch.cat([asked, told], 1)
        tokens, coarse = places, seen.coarse + drawn.coarse
        rows, columns = coarse.shape[-2:]
        map_ = coarse.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens, map_ = block(tokens, places, map_, grid)
        tokens = self.norm(tokens + self.last(tokens + places, map_ + grid, map_))
        x = map_.transpose(1, 2).unflatten(2, (rows, columns))
        skip = seen.middle + drawn.middle
        x = skip + enlarge(self.up4(x), skip)
        x = x + self.join4(x.relu())
        skip = seen.fine + drawn.fine
        x = skip + enlarge(self.up2(x), skip)
        x = x + self.join2(x.relu())
        weights = torch.stack([layer(tokens[:, 1 + i]) for i, layer in enumerate(self.weights)], 1)
        logits = (weights @ x.flatten(2)).unflatten(2, x.shape[-2:])
        return logits, self.quality(tokens[:, 0])


class PromptableNetwork(nn.Module):
    """The three parts."""

    def __init__(self, size: Size | None = None) -> None:
        super().__init__()
        size = size or Size()
        self.vision_encoder = ImageEncoder(size)
        self.prompt_encoder = PromptEncoder(size)
        self.mask_decoder = MaskDecoder(size)

    def decode(self, seen: Embeddings, prompts: Prompts) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits B×4×h×w at stride 2 and predicted IoUs B×4, for B prompts."""
        encoder = self.prompt_encoder
        picture = encoder.drawn(prompts, *seen.fine.shape[-2:])
        drawn = Embeddings(encoder.draw8(picture), encoder.draw4(picture), encoder.draw2(picture))
        grid = encoder.grid(*seen.coarse.shape[-2:])
        return self.mask_decoder(seen, encoder.tokens(prompts, seen), drawn, grid)

    def trained_state(self) -> dict[str, torch.Tensor]:
        """Return all that is not Lite0's."""
        return {
            name: value
            for name, value in self.state_dict().items()
            if not name.startswith("vision_encoder.lite.")
        }


def best_masks(
    logits: torch.Tensor, quality: torch.Tensor, ambiguous: torch.Tensor
) -> torch.Tensor:
    """Return for each prompt the mask to show: the first, or the best foretold of the three."""
    chosen = torch.where(ambiguous, 1 + quality[:, 1:].argmax(1), 0)
    return logits[torch.arange(len(logits), device=logits.device), chosen]
