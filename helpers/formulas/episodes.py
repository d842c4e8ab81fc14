"""Episodes for pretraining: a few pictures of one formula, some of them broken on purpose.

An episode is what a memory-bank detector meets in practice: pictures of one product, and the
question which patches of a new picture have no like in the others. A network trained to answer it
on endlessly many formulas has features in which an ordinary patch is near to ordinary patches.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

# How a picture can be broken, and how often each way is chosen.
BREAKS = {"foreign": 0.30, "paint": 0.20, "bend": 0.22, "smear": 0.10, "tone": 0.18}
BEND = list(BREAKS).index("bend")
INTACT = -1
CELL = 8  # pixels a side of the labelled patches: the stride of ResNet18's second stage


@dataclass(frozen=True, eq=False)
class Episodes:
    """A batch of E episodes with V pictures each.

    Attributes
    ----------
    pictures
        float32, E·V×3×H×W in [0, 1], channels-last, episode after episode.
    labels
        int64, E×V×(H/8)×(W/8), of each patch: 1 broken, 0 intact, -1 hardly changed (not counted).
    ways
        int64, E×V: how each picture was broken, a position in ``BREAKS``, or ``INTACT``.
    formulas
        int64, E·V: number of each picture's formula.
    """

    pictures: torch.Tensor
    labels: torch.Tensor
    ways: torch.Tensor
    formulas: torch.Tensor


def draw_episodes(
    pool: torch.Tensor, episodes: int, views: int, side: int, generator: torch.Generator
) -> Episodes:
    """Draw a batch of episodes.

    Parameters
    ----------
    pool
        uint8, K×N×3×S×S: N pictures of each of K formulas.
    episodes, views
        Formulas in the batch, and pictures of each.
    side
        Side of the pictures cut from the pool's; a multiple of 8.
    generator
        Source of every random number.

    Raises
    ------
    ValueError
        When the pool has fewer formulas or pictures than are asked for, or the side is no multiple
        of 8.
    """
    kinds, variants = pool.shape[:2]
    if episodes > kinds or views > variants or side % CELL:
        raise ValueError(
            f"a pool of {kinds} formulas with {variants} pictures each gives at most as many "
            f"episodes and views (asked for {episodes} and {views}), of a side that is a multiple "
            f"of {CELL} (got {side})."
        )
    formulas = torch.randperm(kinds, generator=generator)[:episodes]
    chosen = torch.stack([torch.randperm(variants, generator=generator) for _ in formulas])
    pictures = pool[formulas[:, None], chosen[:, :views]].flatten(0, 1).float().div_(255)
    grid = _common_crop(episodes, pool.shape[-1], side, generator).repeat_interleave(views, 0)
    clean = _sample(pictures, grid)
    broken, way = _break(pictures, grid, clean, views, generator)
    change = (broken - clean).abs().mean(1, keepdim=True)
    change = functional.avg_pool2d(change, CELL)[:, 0]
    labels = torch.full(change.shape, -1)
    labels[change > 0.03] = 1
    labels[change < 0.003] = 0
    seen = _photograph(broken, episodes, views, generator)
    return Episodes(
        seen.contiguous(memory_format=torch.channels_last),
        labels.unflatten(0, (episodes, views)),
        way.unflatten(0, (episodes, views)),
        formulas.repeat_interleave(views),
    )


def _uniform(
    low: float, high: float, shape: tuple[int, ...], generator: torch.Generator
) -> torch.Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _log_uniform(
    low: float, high: float, shape: tuple[int, ...], generator: torch.Generator
) -> torch.Tensor:
    return _uniform(math.log(low), math.log(high), shape, generator).exp()


def _sample(pictures: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    return functional.grid_sample(pictures, grid, align_corners=False, padding_mode="reflection")


def _common_crop(
    episodes: int, from_side: int, side: int, generator: torch.Generator
) -> torch.Tensor:
    """Return sampling grids E×side×side×2: one cut, scale, mirroring and quarter turn each."""
    share = (_log_uniform(0.64, 1.57, (episodes,), generator) * side / from_side).clamp(max=1)
    centre = (1 - share)[:, None] * _uniform(-1, 1, (episodes, 2), generator)
    mirror = torch.randint(0, 2, (episodes, 2), generator=generator) * 2 - 1
    matrix = torch.zeros(episodes, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1] = share * mirror[:, 0], share * mirror[:, 1]
    matrix[:, :, 2] = centre
    turned = torch.rand(episodes, generator=generator) < 0.5
    matrix = torch.where(turned[:, None, None], matrix[:, :, [1, 0, 2]], matrix)
    return functional.affine_grid(matrix, (episodes, 3, side, side), align_corners=False)


def _break(
    pictures: torch.Tensor,
    grid: torch.Tensor,
    clean: torch.Tensor,
    views: int,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Break seven pictures in ten; return all of them, and the number of the way (or INTACT)."""
    count, side = len(clean), clean.shape[-1]
    way = torch.multinomial(torch.tensor(list(BREAKS.values())), count, True, generator=generator)
    way[torch.rand(count, generator=generator) < 0.3] = INTACT
    centre = _uniform(-0.85, 0.85, (count, 2, 1, 1), generator)
    radius = _log_uniform(0.06, 0.45, (count, 1, 1), generator)
    spot = _spots(side, centre, radius, generator)
    content = _contents(clean, way, views, generator)
    opacity = _uniform(0.5, 1, (count, 1, 1, 1), generator)
    damaged = (way != INTACT).view(-1, 1, 1, 1)
    broken = clean + damaged * spot[:, None] * opacity * (content - clean)

    offset = torch.randn((count, 1, 1, 2), generator=generator)
    offset *= _uniform(0.05, 0.22, (count, 1, 1, 1), generator) / offset.norm(dim=-1, keepdim=True)
    bent = way == BEND
    if bent.any():
        hump = _hump(side, centre[bent], radius[bent])
        # The offset is a share of the cut-out part, not of the whole picture.
        share = (grid[bent][:, 0, 0] - grid[bent][:, -1, -1]).abs().amax(-1).view(-1, 1, 1, 1) / 2
        broken[bent] = _sample(pictures[bent], grid[bent] + share * offset[bent] * hump[..., None])
    return broken, way


def _plane(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    line = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y


def _hump(side: int, centre: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    x, y = _plane(side)
    width = (1.2 * radius).clamp(0.08, 0.3)
    squares = (x - centre[:, 0]) ** 2 + (y - centre[:, 1]) ** 2
    return torch.exp(-squares / (2 * width**2))


def _spots(
    side: int, centre: torch.Tensor, radius: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return where each picture is to be broken: ragged blots and thin curved lines, N×H×W."""
    count, half = len(centre), 64  # drawn at 64 × 64 and enlarged
    x, y = _plane(half)
    ragged = functional.interpolate(
        torch.randn((count, 1, 8, 8), generator=generator), (half, half), mode="bicubic"
    )[:, 0]
    aspect = _log_uniform(0.5, 2, (count, 1, 1), generator)
    away = ((x - centre[:, 0]) ** 2 * aspect + (y - centre[:, 1]) ** 2 / aspect).sqrt() / radius
    blot = ((1 - away + 0.35 * ragged) * radius * half / 2 + 0.5).clamp(0, 1) * (away < 2)

    steps = torch.linspace(-1, 1, 20)[None, :, None, None]
    shape = (count, 1, 1, 1)
    angle = _uniform(0, 2 * math.pi, shape, generator)
    length = _uniform(0.15, 1, shape, generator)
    curve = 0.4 * torch.randn(shape, generator=generator) * steps**2
    px = centre[:, None, 0] + length * (steps * angle.cos() - curve * angle.sin())
    py = centre[:, None, 1] + length * (steps * angle.sin() + curve * angle.cos())
    distance = ((x - px) ** 2 + (y - py) ** 2).amin(1).sqrt() * half / 2
    width = _log_uniform(0.5, 3, (count, 1, 1), generator) + 0.2 * length[:, 0] * half / 19
    line = (width - distance + 0.5).clamp(0, 1)

    thin = torch.rand((count, 1, 1), generator=generator) < 0.35
    spot = torch.where(thin, line, blot)[:, None]
    return functional.interpolate(spot, (side, side), mode="bilinear")[:, 0]


def _contents(
    clean: torch.Tensor, way: torch.Tensor, views: int, generator: torch.Generator
) -> torch.Tensor:
    """Return what appears where each is broken, as a whole picture each."""
    count, side, one = len(clean), clean.shape[-1], (len(clean), 1, 1, 1)
    mean = clean.mean((2, 3), keepdim=True)

    def half_of_them() -> torch.Tensor:
        return torch.rand(one, generator=generator) < 0.5

    hop = views * int(torch.randint(1, max(2, count // views), (1,), generator=generator))
    foreign = clean.roll(hop, 0)
    alike = foreign - foreign.mean((2, 3), keepdim=True) + mean
    foreign = torch.where(half_of_them(), alike, foreign)
    any_colour = torch.rand((count, 3, 1, 1), generator=generator)
    paint = torch.where(half_of_them(), any_colour, mean * _uniform(0.2, 1.8, one, generator))
    smear = functional.interpolate(functional.avg_pool2d(clean, 8), (side, side), mode="bilinear")
    gain = torch.where(
        half_of_them(), _uniform(0.3, 0.8, one, generator), _uniform(1.25, 2, one, generator)
    )
    tint = 1 + 0.2 * torch.randn((count, 3, 1, 1), generator=generator) * half_of_them()
    content = clean.clone()
    choices = {"foreign": foreign, "paint": paint, "smear": smear, "tone": clean * gain * tint}
    for name, choice in choices.items():
        picked = (way == list(BREAKS).index(name)).view(one)
        content = torch.where(picked, choice, content)
    return content


def _photograph(
    pictures: torch.Tensor, episodes: int, views: int, generator: torch.Generator
) -> torch.Tensor:
    """Change colours for a whole episode, brightness and noise for each picture."""
    count = len(pictures)
    grey = torch.rand((episodes, 1, 1, 1), generator=generator) < 0.25
    grey = grey.repeat_interleave(views, 0)
    pictures = torch.where(grey, pictures.mean(1, keepdim=True), pictures)
    tint = 1 + 0.15 * torch.randn((episodes, 3, 1, 1), generator=generator)
    exposure = 1 + 0.03 * torch.randn((count, 1, 1, 1), generator=generator)
    noise = 0.02 * torch.rand((count, 1, 1, 1), generator=generator)
    noise = noise * torch.randn(pictures.shape, generator=generator)
    return (pictures * tint.repeat_interleave(views, 0) * exposure + noise).clamp(0, 1)
