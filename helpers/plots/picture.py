"""How every figure of the book looks, and how it is shown: one palette, text for the blind."""

import base64
import html
import io
from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.figure import Figure
from PIL import Image

DOTS_PER_INCH = 110
LARGE = 60_000  # bytes; lossless above this is a photograph, which bears compression

# Okabe and Ito (2008), Color Universal Design: told apart with any common colour vision.
CLASS_COLOURS = {
    "good": "#0072B2",
    "crack": "#D55E00",
    "cut": "#E69F00",
    "hole": "#CC79A7",
    "print": "#009E73",
}
OTHER_COLOURS = ("#D55E00", "#E69F00", "#CC79A7", "#009E73", "#56B4E9", "#F0E442", "#000000")

# Paul Tol (2012), Colour Schemes, technical note SRON/EPS/TN/09-002: the scheme for 12 lines; then
# others found to be far from all before, as the test of common colour visions measures it.
METHOD_COLOURS = {
    "Baseline autoencoder": "#332288",
    "Pretrained encoder": "#6699CC",
    "Feature reconstruction": "#88CCEE",
    "CutPaste": "#44AA99",
    "SSIM, multi-scale, skips": "#117733",
    "PatchCore": "#999933",
    "Contrastive memory": "#DDCC77",
    "FastFlow": "#661100",
    "Student–teacher": "#CC6677",
    "GAN": "#AA4466",
    "Diffusion": "#882255",
    "CutPaste, synthetic defects": "#3366FF",
    "CutPaste, generated textures": "#AACC00",
    "CutPaste, patch-wise": "#6688EE",
    "U-Net, synthetic defects": "#000000",
    "PaDiM": "#0000FF",
    "Noisy bottleneck": "#33EEBB",
    "Feature noise": "#550055",
}
ANY_METHOD = "#AA4499"
LINE_COLOURS = (*CLASS_COLOURS.values(), "#56B4E9", "#000000")
# Colour is never the only cue.
MARKERS = "osD^vP*X<>p"
LINES = ("-", "--", "-.", ":")

STYLE = {
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "legend.fontsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "#ffffff",
    "savefig.facecolor": "#ffffff",
    "image.cmap": "cividis",
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A finished figure with its text alternative; a notebook shows it as the value of a cell.

    Attributes
    ----------
    figure
        The Matplotlib figure.
    alt
        What a reader who cannot see it needs to know.
    """

    figure: Figure
    alt: str

    def _repr_html_(self) -> str:
        kind, data = self.encoded()
        width = round(self.figure.get_figwidth() * DOTS_PER_INCH)
        return (
            f'<img class="figure" style="max-width:100%" width="{width}" '
            f'alt="{html.escape(self.alt)}" '
            f'src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'
        )

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"

    def encoded(self) -> tuple[str, bytes]:
        """Return ``"webp"`` and the picture's bytes: drawings lossless, photographs compressed."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
        image = Image.open(buffer).convert("RGB")
        data = _webp(image, lossless=True)
        return "webp", data if len(data) < LARGE else _webp(image, quality=88)


def class_colours(names: Iterable[str]) -> dict[str, str]:
    """Give each class its colour: fixed for the hazelnut's, in alphabetical order for others."""
    names = sorted(set(names))
    free = [
        colour
        for colour in OTHER_COLOURS
        if colour not in {CLASS_COLOURS.get(name) for name in names}
    ]
    new = [name for name in names if name not in CLASS_COLOURS]
    return {name: CLASS_COLOURS.get(name) or free[new.index(name) % len(free)] for name in names}


def method_colour(name: str) -> str:
    """Return the colour that a method has throughout the book."""
    return METHOD_COLOURS.get(name, ANY_METHOD)


def _webp(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="webp", method=4, **options)
    return buffer.getvalue()
