"""The strategies against unknown damage, each in a few lines, on points in a plane."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.neural_network import MLPClassifier, MLPRegressor

from helpers.metrics.image import image_auroc

Score = Callable[[np.ndarray], np.ndarray]
Strategy = Callable[[np.ndarray, int], Score]


def good_points(count: int, seed: int = 0) -> np.ndarray:
    """Draw points along a bent band: N×2. Two numbers stand for a picture's many."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.1 * np.pi, 1.4 * np.pi, count)
    radius = 2 + rng.normal(0, 0.12, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def anomalous_points(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw anomalous points of three kinds, N×2: in the hollow, beside the band, beyond its end."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.1 * np.pi, 1.4 * np.pi, count)
    side = np.where(rng.random(count) < 0.5, 1.45, 2.55) + rng.normal(0, 0.05, count)
    end = rng.uniform(1.55 * np.pi, 1.8 * np.pi, count)
    return {
        "in the hollow": rng.normal(0, 0.35, (count, 2)),
        "beside the band": np.stack([side * np.cos(angle), side * np.sin(angle)], 1),
        "beyond its end": np.stack([2 * np.cos(end), 2 * np.sin(end)], 1)
        + rng.normal(0, 0.12, (count, 2)),
    }


@dataclass(frozen=True, eq=False)
class Draw:
    """Everything that one seed draws; points are N×2.

    Attributes
    ----------
    good
        A hundred to learn from.
    spoiled
        The same, and three points of the hollow that somebody overlooked.
    held_out
        Three hundred other good points.
    anomalous
        Three hundred of each kind.
    seed
        Of the learning too.
    """

    good: np.ndarray
    spoiled: np.ndarray
    held_out: np.ndarray
    anomalous: Mapping[str, np.ndarray]
    seed: int


def draw(seed: int = 0) -> Draw:
    """Draw points to learn from and points to find; two seeds have no draw in common."""
    of_good, of_held_out, of_anomalous, of_overlooked = range(4 * seed, 4 * seed + 4)
    good = good_points(100, of_good)
    overlooked = anomalous_points(3, of_overlooked)["in the hollow"]
    return Draw(
        good=good,
        spoiled=np.concatenate([good, overlooked]),
        held_out=good_points(300, of_held_out),
        anomalous=anomalous_points(300, of_anomalous),
        seed=seed,
    )


def aurocs(learn: "Strategy", points: np.ndarray, drawn: Draw) -> dict[str, float]:
    """Learn from points, N×2, and return the AUROC of each anomalous kind against held-out good."""
    score = learn(points, drawn.seed)
    good = score(drawn.held_out)
    return {
        kind: image_auroc(
            np.repeat([0, 1], [len(good), len(odd)]), np.concatenate([good, score(odd)])
        )
        for kind, odd in drawn.anomalous.items()
    }


@contextmanager
def _briefly() -> Iterator[None]:
    """Let scikit-learn's networks stop early without a warning: a toy need not be finished."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def reconstruction(good: np.ndarray, seed: int = 0) -> Score:
    """Squeeze points through one number and back; score the squared error."""
    net = MLPRegressor(
        hidden_layer_sizes=(24, 1, 24),
        activation="tanh",
        solver="lbfgs",
        max_iter=2000,
        random_state=seed,
    )
    with _briefly():
        net.fit(good, good)
    return lambda points: ((net.predict(points) - points) ** 2).sum(1)


def memory(good: np.ndarray, seed: int = 0) -> Score:
    """Remember the points; score the distance to the nearest."""
    known = NearestNeighbors(n_neighbors=1).fit(good)
    return lambda points: known.kneighbors(points)[0][:, 0]


def density(good: np.ndarray, seed: int = 0) -> Score:
    """Learn how probable points are, as a sum of Gaussians; score minus the log-likelihood."""
    model = GaussianMixture(8, random_state=seed).fit(good)
    return lambda points: -model.score_samples(points)


def student_teacher(good: np.ndarray, seed: int = 0) -> Score:
    """Imitate a fixed network where the good points are; score how far the imitation fails."""
    rng = np.random.default_rng(seed)
    weights, offsets = rng.normal(0, 1.2, (2, 32)), rng.uniform(-np.pi, np.pi, 32)

    def teacher(points: np.ndarray) -> np.ndarray:
        return np.sin(points @ weights + offsets)

    student = MLPRegressor(
        hidden_layer_sizes=(24,), activation="tanh", solver="lbfgs", max_iter=400, random_state=seed
    )
    with _briefly():
        student.fit(good, teacher(good))
    return lambda points: ((student.predict(points) - teacher(points)) ** 2).mean(1)


def self_supervision(good: np.ndarray, seed: int = 0) -> Score:
    """Tell points from points pasted together of two; score how unusual the embedding is."""
    pasted = np.stack([good[:, 0], np.random.default_rng(seed).permutation(good[:, 1])], 1)
    task = MLPClassifier(
        hidden_layer_sizes=(24, 6),
        activation="tanh",
        solver="lbfgs",
        max_iter=400,
        random_state=seed,
    )
    with _briefly():
        task.fit(np.concatenate([good, pasted]), np.repeat([0, 1], len(good)))

    def embed(points: np.ndarray) -> np.ndarray:
        hidden = points
        for weights, offsets in zip(task.coefs_[:-1], task.intercepts_[:-1], strict=True):
            hidden = np.tanh(hidden @ weights + offsets)
        return hidden

    cloud = GaussianMixture(1, reg_covar=1e-3, random_state=seed).fit(embed(good))
    return lambda points: -cloud.score_samples(embed(points))


def synthesis(good: np.ndarray, seed: int = 0) -> Score:
    """Synthesise anomalous points by shaking good ones; score a classifier's probability."""
    shaken = good + np.random.default_rng(seed).normal(0, 0.7, good.shape)
    classifier = MLPClassifier(
        hidden_layer_sizes=(24,),
        activation="tanh",
        alpha=1e-2,
        solver="lbfgs",
        max_iter=400,
        random_state=seed,
    )
    with _briefly():
        classifier.fit(np.concatenate([good, shaken]), np.repeat([0, 1], len(good)))
    return lambda points: classifier.predict_proba(points)[:, 1]


STRATEGIES: Mapping[str, Strategy] = {
    "reconstruction": reconstruction,
    "feature memory": memory,
    "density": density,
    "student and teacher": student_teacher,
    "self-supervision": self_supervision,
    "synthesis": synthesis,
}
