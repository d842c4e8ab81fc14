"""Nuts as a line would see them: under other light, another lens, of another harvest.

A package of its own, for the pictures of the book's data set depend on nothing in it.
"""

from helpers.hazelnuts.production.conditions import (
    USUAL,
    Conditions,
    defects_of_size,
    photograph,
    photographs,
)
from helpers.hazelnuts.production.trays import KINDS, Tray, draw_tray, draw_trays
