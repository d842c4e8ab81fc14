"""What everything that learns from pictures shares: settings and pictures are looked at first."""

import functools
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch

from helpers.machine import check_images, computing_in, this_machine

# The methods that take pictures, uint8 N×3×H×H, as their first argument.
ASKED = ("predict", "reconstruct", "embed", "probabilities")


class Learner:
    """Something with settings that is fitted to pictures, and then asked about others.

    A subclass writes ``fit`` and ``predict``. Before they run, their pictures are checked: uint8
    N×3×H×H, at least one, and of the size that was fitted to; a subclass with ``any_size`` takes
    N×3×H×W of other sizes too. A ``fit`` that fails leaves everything as it was.

    Parameters
    ----------
    settings
        All choices; those that ``settings_class`` has by itself when none are given.

    Attributes
    ----------
    precision
        The number format of the fit, in which it is asked as well; see ``machine.computing_in``.
    """

    settings_class: ClassVar[type]
    why_not_exported: ClassVar[str] = ""
    any_size: ClassVar[bool] = False
    precision: str | None = None

    def __init__(self, settings: Any = None) -> None:
        self.settings = self.settings_class() if settings is None else settings
        if not isinstance(self.settings, self.settings_class):
            raise ValueError(
                f"{type(self).__name__} takes {self.settings_class.__name__}; got "
                f"{type(self.settings).__name__}."
            )
        check_settings(self.settings)

    def state(self) -> dict[str, Any]:
        """Return what ``fit`` has learned and ``predict`` needs.

        Nested dictionaries and lists of numbers, text, arrays and tensors. What only the training
        looks at, such as its losses, is left out.

        Raises
        ------
        ValueError
            When nothing has been fitted.
        """
        if "_side" not in vars(self):
            raise ValueError("this detector has not been fitted; call fit(good_images) first.")
        return {"side": self._side, **self._learned()}

    def restore(self, state: dict[str, Any]) -> Self:
        """Take over what ``state`` returned, instead of fitting; the settings must be the same."""
        self._recall(state)
        self._side = state["side"]
        return self

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Do with tensors alone what ``predict`` does, up to enlarging, smoothing and pooling.

        It is what is exported; ``why_not_exported`` says why a detector has none.

        Parameters
        ----------
        batch
            float32, B×3×H×W, in [0, 1].

        Returns
        -------
        tuple
            Maps B×h×w; and B image scores, or none where the map is pooled.
        """
        raise NotImplementedError(self.why_not_exported or "it is made of more than tensors")

    def _learned(self) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} cannot tell what it has learned.")

    def _recall(self, state: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} cannot be made from what it had learned.")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in {"fit", *ASKED} & set(vars(cls)):
            guard = _guarded_fit if name == "fit" else _guarded
            setattr(cls, name, guard(vars(cls)[name]))


def check_settings(settings: Any) -> None:
    """Raise ``ValueError`` unless every number in ``settings`` is finite and of its field's type.

    ``smoothing`` and ``top_share`` are shares, from 0 to 1.
    """
    for field in fields(settings):
        name, value = field.name, getattr(settings, field.name)
        if is_dataclass(value):
            check_settings(value)
            continue
        for kind, number, told in ((int, Integral, "a whole number"), (float, Real, "a number")):
            if field.type is kind and (isinstance(value, bool) or not isinstance(value, number)):
                raise ValueError(f"{name} must be {told}; got {value!r}.")
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Real) and not math.isfinite(each):
                raise ValueError(f"{name} must be finite; got {value}.")
        if name in ("smoothing", "top_share") and not 0 <= value <= 1:
            raise ValueError(f"{name} must be between 0 and 1; got {value}.")


def check_square(images: np.ndarray) -> None:
    """Raise ``ValueError`` unless pictures are as ``check_images`` asks, and square."""
    check_images(images)
    height, width = images.shape[2:]
    if height != width:
        raise ValueError(
            f"images must be square, N×3×H×H; got {height} × {width} pixels. Crop or pad them, or "
            "load them by load_category, which makes them square."
        )


def _guarded_fit(fit: Callable) -> Callable:
    @functools.wraps(fit)
    def guarded(self: Any, images: np.ndarray, *args: Any, **kwargs: Any) -> Any:
        (check_images if self.any_size else check_square)(images)
        before = dict(vars(self))
        for name in ("_side", "precision"):
            vars(self).pop(name, None)
        try:
            fit(self, images, *args, **kwargs)
        except BaseException:  # also one that was interrupted
            vars(self).clear()
            vars(self).update(before)
            raise
        self._side = images.shape[-1]
        self.precision = this_machine().precision
        return self

    return guarded


def _guarded(ask: Callable) -> Callable:
    @functools.wraps(ask)
    def guarded(self: Any, images: np.ndarray, *args: Any, **kwargs: Any) -> Any:
        (check_images if self.any_size else check_square)(images)
        side = images.shape[-1]
        if not self.any_size and side != vars(self).get("_side", side):
            raise ValueError(
                f"images of {side} × {side} pixels cannot be compared with the {self._side} × "
                f"{self._side} that were fitted to. Load them at that size."
            )
        with computing_in(self.precision):
            return ask(self, images, *args, **kwargs)

    return guarded
