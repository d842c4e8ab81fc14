"""From good photos to an inspector: a detector, how photos are cut for it, and a threshold."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from helpers.data.groups import group_folds, one_of_each
from helpers.data.squares import Squares
from helpers.detectors.base import Detector
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.errors import DataError
from helpers.inspection.conformal import (
    FOLDS,
    HELD_OUT,
    Promise,
    conformal_threshold,
    photos_needed,
)
from helpers.inspection.good import GoodPhotos
from helpers.inspection.look import Usual, look_at, two_kinds, usual
from helpers.networks.backbone import FeatureExtractor, backbone
from helpers.networks.features import patch_features

HELD_OUT_SHARE = 1 / 3  # of the parts, where they suffice


@dataclass(frozen=True)
class InspectorSettings:
    """Settings of an inspector.

    Attributes
    ----------
    false_alarms
        The share of good photos that may be called odd.
    certainty
        0 for that share on average; see ``conformal.Promise``.
    folds
        Into how many parts good photos are divided, where too few can be held out.
    detector
        Of PatchCore.
    seed
        Of every random choice.
    """

    false_alarms: float = 0.05
    certainty: float = 0.0
    folds: int = 5
    detector: PatchCoreSettings = field(default_factory=PatchCoreSettings)
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Verdict:
    """What an inspector says of a photo.

    Attributes
    ----------
    score
        The largest value of the map.
    odd
        Whether it is above the threshold.
    map
        float32, h×w, of the resized photo; a place is odd where it is above the threshold.
    photo
        The resized photo: uint8, h×w×3.
    peak
        Column and row of the largest value, in pixels of the photo as it was given.
    remarks
        What else is unlike the good photos: size, light, focus.
    """

    score: float
    odd: bool
    map: np.ndarray
    photo: np.ndarray
    peak: tuple[int, int]
    remarks: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Inspector:
    """A fitted detector with all that turns its maps into verdicts.

    Attributes
    ----------
    detector
        Fitted to good photos.
    squares
        How a photo is cut for it.
    promise
        The threshold and what it promises.
    usual
        Size, light and focus of the good photos.
    """

    detector: Detector
    squares: Squares
    promise: Promise
    usual: Usual

    def inspect(self, photo: np.ndarray) -> Verdict:
        """Inspect a photo, uint8 H×W×3."""
        height, width = photo.shape[:2]
        found = anomaly_map(self.detector, self.squares, self.squares.cut(photo), width, height)
        row, column = np.unravel_index(found.argmax(), found.shape)
        score = float(found.max())
        return Verdict(
            score=score,
            odd=score > self.promise.threshold,
            map=found,
            photo=self.squares.resize(photo),
            peak=(
                int((column + 0.5) * width / found.shape[1]),
                int((row + 0.5) * height / found.shape[0]),
            ),
            remarks=tuple(self.usual.remarks(look_at(photo)[0])),
        )


@dataclass(frozen=True, eq=False)
class Fitted:
    """An inspector, and what was noticed on the way.

    Attributes
    ----------
    inspector
        Ready to inspect.
    scores
        One a good photo, by a detector that has not seen it.
    strangeness
        The scores, divided by the median of those by the same detector.
    warnings
        What to look at before trusting it, in plain sentences.
    """

    inspector: Inspector
    scores: np.ndarray
    strangeness: np.ndarray
    warnings: tuple[str, ...]

    def strangest(self, count: int = 5) -> np.ndarray:
        """Return the positions of the strangest good photos, the strangest first."""
        return np.argsort(-self.strangeness, kind="stable")[:count]


def anomaly_map(
    detector: Detector, squares: Squares, tiles: np.ndarray, width: int, height: int
) -> np.ndarray:
    """Return the map of one photo, float32 h×w, from its tiles, uint8 T×3×S×S."""
    return squares.join(detector.predict(tiles).maps, width, height)


def fit_inspector(good: GoodPhotos, settings: InspectorSettings | None = None) -> Fitted:
    """Fit PatchCore to good photos, and choose the threshold with its promise.

    A third of the parts is held out for the threshold, or as many as the promise takes, up to half
    of them. Where that is not enough, every photo serves for both: it is scored by a detector
    without its fold, and the detector in use is fitted to all; see ``conformal.Promise``.

    Parameters
    ----------
    good
        From `gather`.
    settings
        All choices.

    Raises
    ------
    DataError
        When there are too few good photos for the promise, or for anything.
    ValueError
        When a setting is out of range.
    """
    settings = settings or InspectorSettings()
    s = settings
    needed = photos_needed(s.false_alarms, s.certainty)
    parts = sorted(set(good.groups))
    if len(parts) < max(needed, 4):
        raise DataError(_too_few(len(parts), needed, s))
    network = backbone(s.detector.architecture, s.detector.weights, s.detector.layers, s.seed)
    told = good.warnings(two_kinds(embeddings(network, good)))
    enough = needed <= len(parts) // 2
    if enough:
        count = max(needed, round(HELD_OUT_SHARE * len(parts)))
        order = np.random.default_rng(s.seed).permutation(len(parts))
        fold = np.isin(good.groups, [parts[i] for i in order[:count]]).astype(np.int64)
    else:
        fold = group_folds(good.groups, min(s.folds, len(parts)), s.seed)
    scores, strangeness = np.empty(len(fold)), np.empty(len(fold))
    for number in tqdm(range(fold.max() + 1), desc="fitting", leave=False, delay=1):
        detector = _fitted(good, fold != number, s, network)
        mine = np.flatnonzero(fold == number)
        scores[mine] = [_score(detector, good, i) for i in mine]
        strangeness[mine] = scores[mine] / max(np.median(scores[mine]), 1e-12)
    if not enough:
        detector = _fitted(good, fold >= 0, s, network)
    # With two parts, the last detector of the loop is the one that has not seen those held out.
    used = np.flatnonzero(fold == 1) if enough else np.arange(len(fold))
    used = used[one_of_each([good.groups[i] for i in used], s.seed)]
    promise = conformal_threshold(
        scores[used], s.false_alarms, s.certainty, HELD_OUT if enough else FOLDS
    )
    inspector = Inspector(detector, good.squares, promise, usual(good.looks))
    return Fitted(inspector, scores, strangeness, tuple(told))


def embeddings(network: FeatureExtractor, good: GoodPhotos) -> np.ndarray:
    """Return the mean features of each photo: float32, N×C."""
    return np.stack(
        [patch_features(network, tiles).mean((0, 2, 3)).cpu().numpy() for tiles in good.pictures]
    )


def _fitted(
    good: GoodPhotos, rows: Sequence[bool], settings: InspectorSettings, network: FeatureExtractor
) -> PatchCoreDetector:
    pictures = [tiles for tiles, here in zip(good.pictures, rows, strict=True) if here]
    return PatchCoreDetector(settings.detector, network).fit(np.concatenate(pictures))


def _score(detector: Detector, good: GoodPhotos, i: int) -> float:
    look = good.looks[i]
    found = anomaly_map(detector, good.squares, good.pictures[i], look.width, look.height)
    return float(found.max())


def _too_few(parts: int, needed: int, settings: InspectorSettings) -> str:
    if parts < 4:
        return (
            f"{parts} good photo{'s' * (parts != 1)} (of different parts) cannot show what varies "
            "among good ones; 4 are the very least, 40 a beginning. Take more."
        )
    certainty = settings.certainty
    best = 1 / (parts + 1) if not certainty else 1 - (1 - certainty) ** (1 / parts)
    return (
        f"{parts} good photos (of different parts) cannot promise {settings.false_alarms:.3g} "
        f"false alarms{f' with a certainty of {certainty:.0%}' if certainty else ''}: it takes "
        f"{needed}. Take more good photos, or accept {np.ceil(best * 1000) / 1000:g} or more "
        "(--false-alarms)."
    )
