"""What the explorer page reads: every detector's scores, and pictures of the scored nuts."""

import base64
import io
import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.errors import DataError
from helpers.experiments.detectors import DETECTORS
from helpers.experiments.store import Record
from helpers.hazelnuts import render
from helpers.plots.picture import CLASS_COLOURS
from helpers.profiles import QUICK

TILE = 96  # pixels: the side of a small picture of a nut
COLUMNS = 10
MIXED = 192  # pixels: the side of a picture to mix
MIXED_SEED = 11  # of the nuts to mix; any other would do


def read_records(folder: Path) -> list[Record]:
    """Read the records of the book's generated nuts in ``folder``, by name and seed.

    Without those of more nuts, of more seeds than all methods have, and of grids of settings.

    Raises
    ------
    DataError
        When there is none, when one is broken, or when they are of different test images.
    """
    records = [
        one
        for one in DETECTORS.load(folder)
        if one.data["source"] == "generated"
        and one.case["seed"] in QUICK.seeds
        and len(one.case["variant"]) < 2
        and not {"test images", "code"} & set(one.case["variant"])
    ]
    if not records:
        raise DataError(f"{folder} has no record. Run `make results`.")
    counts = {json.dumps(one.data["test"], sort_keys=True) for one in records}
    if len(counts) > 1:
        raise DataError(
            f"The records in {folder} are of different test images: {'; '.join(sorted(counts))}. "
            "Remove the old ones and run `make results`."
        )
    return sorted(records, key=lambda one: (name_of(one), one.case["seed"]))


def name_of(record: Record) -> str:
    """Return what the page calls a method and what is changed of it."""
    changed = (f"{factor} {value}" for factor, value in record.case["variant"].items())
    return ", ".join([record.case["method"], *changed])


def defects_of(record: Record) -> list[str]:
    """Return the class of each test image, in the order of the image scores.

    A category's test images are read folder by folder, in the order of the alphabet.

    Raises
    ------
    DataError
        When the record has more or fewer scores than images.
    """
    defects = [name for name, count in sorted(record.data["test"].items()) for _ in range(count)]
    if len(defects) != len(record.result.image_scores):
        raise DataError(
            f"The record of {name_of(record)}, seed {record.case['seed']}, has "
            f"{len(record.result.image_scores)} scores for {len(defects)} images. "
            "Run `make results` again."
        )
    return defects


def payload(records: Sequence[Record]) -> dict:
    """Return what the page computes with, as dictionaries, lists, numbers and strings."""
    detectors: dict[str, dict] = {}
    for record in records:
        name, result = name_of(record), record.result
        entry = detectors.setdefault(
            name, {"name": name, "variant": bool(record.case["variant"]), "runs": []}
        )
        defects_of(record)
        entry["runs"].append(
            {
                "seed": record.case["seed"],
                "scores": result.image_scores,
                "threshold": result.threshold.value,
                "heldOut": result.threshold.held_out,
                "expected": result.threshold.expected_false_alarm_rate,
            }
        )
    ordered = sorted(detectors.values(), key=lambda entry: (entry["variant"], entry["name"]))
    return {
        "defects": defects_of(records[0]),
        "colours": CLASS_COLOURS,
        "tile": TILE,
        "columns": COLUMNS,
        "detectors": ordered,
    }


def script(name: str, value: object) -> str:
    """Return a JavaScript file that sets ``window.name``: unlike JSON it loads without a server."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"window.{name} = {text};\n"


def test_pictures(counts: dict[str, int], size: int = TILE) -> list[np.ndarray]:
    """Draw the generated test images anew, in the records' order: uint8, size × size × 3 each.

    They show the nuts that the detectors saw; a nut does not depend on the size of its picture.
    """
    wanted = {f"test/{name}": count for name, count in counts.items()}
    with tempfile.TemporaryDirectory() as folder:
        render.write_category(Path(folder), size=size, counts=wanted)
        return [np.array(Image.open(path)) for path in sorted(Path(folder).glob("test/*/*.png"))]


def sheet(pictures: Sequence[np.ndarray], columns: int = COLUMNS) -> np.ndarray:
    """Lay N pictures of one size side by side and row by row; the rest of the last row is black.

    Raises
    ------
    ValueError
        When there is no picture.
    """
    if not len(pictures):
        raise ValueError("there is no picture to lay out.")
    height, width, channels = pictures[0].shape
    rows = -(-len(pictures) // columns)
    page = np.zeros((rows * height, columns * width, channels), np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        page[row * height : (row + 1) * height, column * width : (column + 1) * width] = picture
    return page


def webp(picture: np.ndarray, quality: int = 80) -> bytes:
    """Return a picture as a WebP file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="webp", quality=quality, method=4)
    return buffer.getvalue()


def pictures_to_mix(names: Iterable[str] = CLASS_COLOURS) -> dict[str, str]:
    """Draw a nut of each class, and return each as a ``data:`` address."""
    return {
        name: "data:image/webp;base64,"
        + base64.b64encode(
            webp(render.render_nut(MIXED_SEED + place, name, MIXED)[0], quality=85)
        ).decode()
        for place, name in enumerate(names)
    }


def write(folder: Path, records: Path) -> None:
    """Write the explorer's data and pictures into ``folder``."""
    found = read_records(records)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scores.js").write_text(script("nutScores", payload(found)), "utf-8")
    (folder / "pictures.js").write_text(script("nutPictures", pictures_to_mix()), "utf-8")
    (folder / "nuts.webp").write_bytes(webp(sheet(test_pictures(found[0].data["test"]))))
