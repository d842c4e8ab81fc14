"""One figure at several moments, moved through with a slider; no server and no kernel needed."""

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass

from helpers.plots.picture import DOTS_PER_INCH, Picture

# Shows the moment that the slider stands at, in its own figure only: a page may have several.
MOVE = (
    "const all=this.closest('figure');"
    "all.querySelectorAll('img').forEach((one,i)=>one.hidden=i!=this.value);"
    "const said=JSON.parse(this.dataset.labels)[this.value];"
    "all.querySelector('output').value=said;"
    "this.setAttribute('aria-valuetext',said)"
)


@dataclass(frozen=True, eq=False)
class Slider:
    """Pictures of one thing at several moments; a notebook shows it as the value of a cell.

    The last one is seen first: in print, and where scripts are switched off, it is the still.

    Attributes
    ----------
    pictures
        One for each moment.
    labels
        What the moment is, such as ``"epoch 3"``.
    alt
        What a reader who cannot see it needs to know.
    """

    pictures: tuple[Picture, ...]
    labels: tuple[str, ...]
    alt: str

    def _repr_html_(self) -> str:
        last, shown = len(self.pictures) - 1, []
        for i, picture in enumerate(self.pictures):
            kind, data = picture.encoded()
            width = round(picture.figure.get_figwidth() * DOTS_PER_INCH)
            alt = html.escape(f"{self.alt} Here: {self.labels[i]}.")
            shown.append(
                f'<img class="figure" style="max-width:100%" width="{width}" alt="{alt}" '
                f'src="data:image/{kind};base64,{base64.b64encode(data).decode()}"'
                f"{'' if i == last else ' hidden'}>"
            )
        labels = html.escape(json.dumps(self.labels, ensure_ascii=False))
        return (
            f'<figure class="slider">{"".join(shown)}'
            f'<div><input type="range" min="0" max="{last}" value="{last}" step="1" '
            f'style="width:min(24em,70%);vertical-align:middle" data-labels="{labels}" '
            f'aria-label="{html.escape(self.alt)}" '
            f'aria-valuetext="{html.escape(self.labels[last])}" oninput="{html.escape(MOVE)}"> '
            f"<output>{html.escape(self.labels[last])}</output></div></figure>"
        )

    def __repr__(self) -> str:
        return f"Slider ({', '.join(self.labels)}): {self.alt}"


def slider(pictures: Sequence[Picture], labels: Sequence[str], alt: str) -> Slider:
    """Show one figure at several moments, under a slider.

    Parameters
    ----------
    pictures
        Two or more figures of one size, in order of time.
    labels
        A few words for each.
    alt
        What all of them together show.

    Raises
    ------
    ValueError
        When there are fewer than two pictures, not as many labels, or pictures of several sizes.
    """
    if not 2 <= len(pictures) == len(labels):
        raise ValueError(
            "a slider needs two or more pictures and a label for each; "
            f"got {len(pictures)} pictures and {len(labels)} labels."
        )
    sizes = {tuple(picture.figure.get_size_inches()) for picture in pictures}
    if len(sizes) > 1:
        raise ValueError(f"the pictures of a slider need one size; got {sorted(sizes)} inches.")
    return Slider(tuple(pictures), tuple(labels), alt)
