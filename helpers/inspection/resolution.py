"""From the smallest defect in millimetres to the size at which photos must be looked at."""

import math
from dataclasses import dataclass

from helpers.data.squares import Squares
from helpers.errors import DataError

LEAST, BETTER = 3.0, 5.0  # pixels across a defect


@dataclass(frozen=True)
class Resolution:
    """What has to be seen, and how much of the world a photo shows.

    Attributes
    ----------
    defect_mm
        The smallest defect that must not be missed, across its narrow side, in millimetres.
    field_mm
        What the long side of a photo shows, in millimetres.
    pixels
        How many pixels that defect shall cover: 3 at least, better 5.

    Raises
    ------
    ValueError
        When a number is not positive, or the defect is larger than the photo.
    """

    defect_mm: float
    field_mm: float
    pixels: float = BETTER

    def __post_init__(self) -> None:
        if not (0 < self.defect_mm <= self.field_mm and self.pixels > 0):
            raise ValueError(
                "defect_mm must be above 0 and at most field_mm, and pixels above 0; got "
                f"{self.defect_mm} mm, {self.field_mm} mm and {self.pixels} pixels."
            )

    @property
    def long_side(self) -> int:
        """The long side, in pixels, at which the defect covers as many pixels as it shall."""
        return math.ceil(self.pixels * self.field_mm / self.defect_mm - 1e-9)

    def on_defect(self, long_side: float) -> float:
        """Return the pixels across the defect in a photo of this long side, in pixels."""
        return self.defect_mm * long_side / self.field_mm

    def squares(self, size: int, photo_long_side: int) -> Squares:
        """Choose how to look at photos: whole where that suffices, in tiles where it does not.

        Parameters
        ----------
        size
            Side of the square pictures that the detector looks at, in pixels.
        photo_long_side
            Of the smallest photo, in pixels.

        Raises
        ------
        DataError
            When the photos themselves show less of the defect than `LEAST` pixels: no resizing
            brings back what the camera did not see.
        """
        if (seen := self.on_defect(photo_long_side)) < LEAST:
            closer = LEAST * self.field_mm / self.defect_mm
            raise DataError(
                f"a defect of {self.defect_mm:g} mm covers {seen:.1f} pixels of a photo that shows "
                f"{self.field_mm:g} mm with {photo_long_side} pixels; {LEAST:g} are the least. Go "
                f"closer, or take a camera with {math.ceil(closer)} pixels or more."
            )
        long_side = max(size, min(self.long_side, photo_long_side))
        overlap = min(size // 2, max(32, math.ceil(2 * self.on_defect(long_side))))
        return Squares(size, long_side, overlap)
