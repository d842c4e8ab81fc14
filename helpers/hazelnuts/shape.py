"""The shape and pose of a generated hazelnut, and where each ray of the camera meets it."""

from dataclasses import dataclass

import numpy as np

NODES = 1024
STEPS = 6  # of the ray's fixed-point iteration; residuals are below a tenth of a pixel


@dataclass(frozen=True)
class Shape:
    """A nut's form and pose. Lengths are in nut radii (the greatest radius is about 1).

    The nut is a shell, round about its axis w with a given profile, cut off at its base by the
    scar, a shallow paraboloid.
    """

    start: float  # axis coordinate of the first node
    step: float  # between nodes
    profile: np.ndarray  # float32 3 × NODES: q(w) = r² ≈ c0 + c1 w + c2 w² near each node
    rim: float  # axis coordinate of the scar's rim
    rim_radius: float
    base: float  # axis coordinate of the scar's middle
    tip: float  # axis coordinate of the tip's end
    stretch: tuple[float, float]  # half axes of the cross-section
    bend: float  # sideways shift of the axis, times w²
    pose: np.ndarray  # float32 3 × 3, its rows are the body's axes seen by the camera
    scale: float  # nut radii to frame widths
    centre: tuple[float, float]  # of the nut, in frame widths from the frame's centre


@dataclass(frozen=True)
class Surface:
    """The visible surface, one column a sample: x right, y down, z towards the camera."""

    index: np.ndarray  # int, place in the list of rays that were trace_rays
    position: np.ndarray  # float32 3 × n, nut radii, camera's axes, from the nut's centre
    normal: np.ndarray  # float32 3 × n, unit length, camera's axes
    body: np.ndarray  # float32 3 × n, nut's own axes; the last is the axis from base to tip
    scar: np.ndarray  # bool n, on the basal scar

    def part(self, chosen: np.ndarray) -> "Surface":
        """Return the samples with the indices ``chosen``."""
        return Surface(*(array.take(chosen, axis=-1) for array in vars(self).values()))


def random_shape(rng: np.random.Generator) -> Shape:
    """Draw a nut's form and pose: broad base, rounded flanks, pointed tip."""
    tip = rng.uniform(1.10, 1.42)
    flank = rng.uniform(1.8, 2.5)
    sharpness = rng.uniform(0.66, 0.9)
    belly = rng.uniform(2.1, 2.9)
    depth = rng.uniform(0.84, 1.02)
    rim_radius = rng.uniform(0.62, 0.82)
    bulge = rng.uniform(0.3, 0.8)
    nub = rng.uniform(0.04, 0.11)

    rim = -depth * (1 - rim_radius**2) ** (1 / belly)
    end = tip + 0.05
    start = -depth - 0.3
    step = (end + 0.3 - start) / (NODES - 1)
    w = start + step * np.arange(NODES)

    # Squared radius; beyond its ends it goes on falling, so a ray that misses has no root.
    upper = np.clip(1 - np.clip(w / tip, 0, 1) ** flank, 0, 1) ** (2 * sharpness)
    upper += nub**2 * np.clip(w / tip, 0, 1) ** 3
    lower = 1 - np.clip(-w / depth, 0, 1) ** belly
    pitch = belly / depth * (-rim / depth) ** (belly - 1)
    square = np.where(w < rim, rim_radius**2 + pitch * (w - rim), np.where(w < 0, lower, upper))
    square = np.where(w > tip, nub**2 * (end - w) / (end - tip), square)
    base = rim - bulge * rim_radius**2 / pitch
    square = np.convolve(np.pad(square, 9, mode="reflect", reflect_type="odd"), _bell(9), "valid")
    slope = np.gradient(square, step)
    curve = np.clip(np.gradient(slope, step) / 2, -8, 0.5)
    curve[[0, -1]] = 0
    profile = np.stack([square - slope * w + curve * w**2, slope - 2 * curve * w, curve])

    width = rng.normal(1, 0.035)
    return Shape(
        start=start,
        step=step,
        profile=profile.astype(np.float32),
        rim=rim,
        rim_radius=rim_radius,
        base=base,
        tip=end,
        stretch=(width, 1 / width),
        bend=rng.normal(0, 0.03),
        pose=_random_pose(rng),
        scale=float(np.clip(rng.normal(0.333, 0.016), 0.28, 0.375)),
        centre=(rng.normal(0, 0.010), rng.normal(-0.008, 0.010)),
    )


def _bell(reach: int) -> np.ndarray:
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (reach / 2.5)) ** 2)
    return weights / weights.sum()


def _random_pose(rng: np.random.Generator) -> np.ndarray:
    """Draw the body's axes; a lying nut mostly turns its scar, seldom its tip, to the camera."""
    tilt = rng.normal(-0.38, 0.33)
    turn = rng.uniform(0, 2 * np.pi)
    roll = rng.uniform(0, 2 * np.pi)
    axis = np.array([np.cos(tilt) * np.cos(turn), np.cos(tilt) * np.sin(turn), np.sin(tilt)])
    side = np.array([-np.sin(turn), np.cos(turn), 0])
    other = np.cross(axis, side)
    first = np.cos(roll) * side + np.sin(roll) * other
    return np.stack([first, np.cross(axis, first), axis]).astype(np.float32)


def trace_rays(shape: Shape, x: np.ndarray, y: np.ndarray) -> Surface:
    """Return where the camera's parallel rays first meet the nut.

    With the squared radius q(w) of the profile replaced by its parabola near the current w, the
    ray's equation u²/a² + v²/b² = q(w) is quadratic and solved in closed form; a few rounds do.

    Parameters
    ----------
    shape
        The nut.
    x, y
        Rays (n each), in frame widths from the frame's centre, x right and y down.

    Returns
    -------
    Surface
        The rays that hit, in the order they came.
    """
    f = np.float32
    x = ((x - shape.centre[0]) / shape.scale).astype(f)
    y = ((y - shape.centre[1]) / shape.scale).astype(f)
    index = np.flatnonzero(x**2 + y**2 < (1.12 * (shape.tip - shape.base) / 2 + 0.1) ** 2)
    x, y = x.take(index), y.take(index)
    origin = shape.pose[:, :1] * x + shape.pose[:, 1:2] * y
    origin[2] += f((shape.base + shape.tip) / 2)
    near, far, slope = _meet_shell(shape, origin, 1.1 - x**2 - y**2)
    cap_near, cap_far, pitch = _meet_scar(shape, origin)

    # The parabola of the tip's end goes on for ever; the nut does not.
    ends = origin[2] + near * shape.pose[2, 2] < f(shape.tip + 0.01)
    front = np.minimum(near, cap_near)
    hit = np.flatnonzero(ends & (front > np.maximum(far, cap_far)))
    scar = (cap_near < near).take(hit)
    depth = front.take(hit)
    position = np.stack([x.take(hit), y.take(hit), depth])
    body = origin.take(hit, axis=1) + shape.pose[:, 2:] * depth
    u = body[0] - f(shape.bend) * body[2] ** 2
    a, b = shape.stretch
    steep = slope.take(hit) + u * body[2] * f(4 * shape.bend / a**2)
    gradient = np.stack([u * f(2 / a**2), body[1] * f(2 / b**2), -np.where(scar, f(pitch), steep)])
    normal = shape.pose.T @ gradient
    normal /= np.sqrt((normal**2).sum(axis=0)) + f(1e-6)
    surface = Surface(index.take(hit), position, normal, body, scar)
    # A ray that only grazes the nut may end on its far side.
    return surface if (normal[2] > 0).all() else surface.part(np.flatnonzero(normal[2] > 0))


def _meet_shell(
    shape: Shape, origin: np.ndarray, ball: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return nearest and farthest depth (far > near for a miss) and dq/dw, n each."""
    f = np.float32
    a, b = shape.stretch
    du, dv, dw = (float(d) for d in shape.pose[:, 2])
    depth = np.sqrt(np.maximum(ball, f(0)))
    for _ in range(STEPS):
        w = origin[2] + depth * f(dw)
        node = ((w - f(shape.start)) * f(1 / shape.step) + f(0.5)).astype(np.int32)
        np.clip(node, 0, NODES - 1, out=node)
        c0, c1, c2 = (c.take(node) for c in shape.profile)
        u = origin[0] - f(shape.bend) * w**2
        # q along the ray: c0 + c1 w + c2 w² with w = origin + depth · dw.
        second = f(du**2 / a**2 + dv**2 / b**2) - c2 * f(dw**2)
        # A profile that curves inwards along the ray is taken as straight.
        np.maximum(second, f(0.12), out=second)
        tilted = c1 + 2 * c2 * origin[2]
        half = u * f(du / a**2) + origin[1] * f(dv / b**2) - f(dw / 2) * tilted
        rest = u**2 * f(1 / a**2) + origin[1] ** 2 * f(1 / b**2)
        rest -= c0 + (c1 + c2 * origin[2]) * origin[2]
        inside = half**2 - second * rest
        root = np.sqrt(np.maximum(inside, f(0)))
        depth = (root - half) / second
    far = np.where(inside > 0, (-root - half) / second, f(np.inf))
    w = origin[2] + depth * f(dw)
    return depth, far, c1 + 2 * c2 * w


def _meet_scar(shape: Shape, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return nearest and farthest depth (far > near for a miss), n each, and dr²/dw."""
    f = np.float32
    du, dv, dw = (float(d) for d in shape.pose[:, 2])
    pitch = shape.rim_radius**2 / (shape.rim - shape.base)
    second = f(max(du**2 + dv**2, 0.01))
    half = origin[0] * f(du) + origin[1] * f(dv) - f(pitch * dw / 2)
    rest = origin[0] ** 2 + origin[1] ** 2 - f(pitch) * (origin[2] - f(shape.base))
    inside = half**2 - second * rest
    root = np.sqrt(np.maximum(inside, f(0)))
    near = (root - half) / second
    return near, np.where(inside > 0, (-root - half) / second, f(np.inf)), pitch
