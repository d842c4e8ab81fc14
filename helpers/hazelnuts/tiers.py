"""How visible defects are: three tiers, each a table of what is drawn at random and from where."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True)
class Uniform:
    """Any value between two ends."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    """Any value between two positive ends, each factor equally often."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value."""
        return float(np.exp(rng.uniform(np.log(self.low), np.log(self.high))))


@dataclass(frozen=True)
class Beta:
    """A share between 0 and 1."""

    a: float
    b: float

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value."""
        return float(rng.beta(self.a, self.b))


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``, both included."""

    low: int
    high: int

    def draw(self, rng: np.random.Generator) -> int:
        """Return one number."""
        return int(rng.integers(self.low, self.high + 1))


Length = Uniform | LogUniform  # in nut radii
Share = Uniform | Beta


@dataclass(frozen=True)
class Crack:
    """A jagged crack; ``missing`` is the share of those that lead to a missing piece."""

    missing: float
    reach: Length
    width: Length
    strength: Share
    piece: Length


@dataclass(frozen=True)
class Cut:
    """Straight gashes; ``second`` is the share of those that come in twos."""

    second: float
    length: Length
    width: Length
    strength: Share
    core: Share


@dataclass(frozen=True)
class Hole:
    """A round bore with a rim torn as far as ``torn``."""

    radius: Length
    strength: Share
    torn: Share


@dataclass(frozen=True)
class Print:
    """A stamped word."""

    height: Length
    strength: Share
    letters: Whole


@dataclass(frozen=True)
class Look:
    """One kind of each defect."""

    crack: Crack
    cut: Cut
    hole: Hole
    print: Print


@dataclass(frozen=True)
class Tier:
    """How visible the defects are, how marked the sound nuts, and how masks are drawn.

    Attributes
    ----------
    mild
        Share of the defects that are drawn from ``slight`` and not from ``plain``.
    slight, plain
        What the defects look like.
    blemishes
        Mean number of blemishes on every nut, sound or not.
    outline
        Margin of a mask around the damage, in frame widths.
    bridge
        Gaps in a mask up to about twice this are closed, in frame widths.
    """

    mild: float
    slight: Look
    plain: Look
    blemishes: float
    outline: float
    bridge: float


_FAINT = Look(
    Crack(  # none leads to a missing piece, so the last is never drawn
        0, LogUniform(0.35, 0.9), LogUniform(0.006, 0.012), Uniform(0.35, 0.75), LogUniform(1, 1)
    ),
    Cut(0, LogUniform(0.15, 0.4), LogUniform(0.012, 0.020), Uniform(0.45, 0.85), Uniform(0.1, 0.6)),
    Hole(LogUniform(0.028, 0.042), Uniform(0.45, 0.85), Uniform(0, 0.5)),
    Print(LogUniform(0.14, 0.22), Uniform(0.18, 0.45), Whole(2, 3)),
)
_FINE = Look(
    Crack(
        0.65,
        LogUniform(0.6, 1.5),
        LogUniform(0.009, 0.022),
        Uniform(0.75, 1),
        LogUniform(0.2, 0.62),
    ),
    Cut(0.35, LogUniform(0.4, 1.05), LogUniform(0.03, 0.08), Uniform(0.75, 1), Uniform(0.45, 1)),
    Hole(LogUniform(0.042, 0.12), Uniform(0.85, 1), Beta(1, 0.9)),
    Print(LogUniform(0.26, 0.5), Uniform(0.6, 1), Whole(3, 5)),
)
_CLEAR = Look(
    Crack(
        0.9, LogUniform(0.8, 1.5), LogUniform(0.016, 0.032), Uniform(0.9, 1), LogUniform(0.4, 0.8)
    ),
    Cut(0.35, LogUniform(0.45, 1.05), LogUniform(0.035, 0.07), Uniform(1, 1), Uniform(0.7, 1)),
    Hole(LogUniform(0.055, 0.11), Uniform(0.95, 1), Beta(1, 0.9)),
    Print(LogUniform(0.3, 0.45), Uniform(0.95, 1), Whole(3, 4)),
)

TIERS = MappingProxyType(
    {
        "easy": Tier(0, _FINE, _CLEAR, blemishes=1.3, outline=0.006, bridge=0.014),
        "real": Tier(0.4, _FINE, _CLEAR, blemishes=2.6, outline=0.006, bridge=0.014),
        "hard": Tier(0.3, _FAINT, _FINE, blemishes=2.6, outline=0, bridge=0),
    }
)
