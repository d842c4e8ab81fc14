"""Indexed PNG masks: the numbers come back, and nothing else is taken for numbers."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from helpers.annotations.formats.png import (
    class_numbers,
    object_numbers,
    read_numbers,
    voc_palette,
    write_numbers,
)
from helpers.annotations.objects import AnnotatedImage, Annotation
from helpers.annotations.regions import Region
from helpers.errors import DataError
from tests.annotation_samples import annotated, masks


def test_numbers_by_hand():
    image = annotated().images[0]
    assert np.array_equal(class_numbers(image), masks()[0].astype(np.uint8))
    objects = object_numbers(image)
    assert objects[0, 0] == 1
    assert objects[19, 29] == 2
    assert np.array_equal(objects > 0, masks()[0])
    assert set(np.unique(class_numbers(annotated().images[1]))) == {0, 2}


def test_files_are_exact_and_indexed(tmp_path):
    for image in annotated().images:
        path = tmp_path / "mask.png"
        write_numbers(object_numbers(image), path)
        assert np.array_equal(read_numbers(path), object_numbers(image))
        with Image.open(path) as picture:
            assert picture.mode == "P"
            assert picture.getpalette()[3:6] == [128, 0, 0]


def test_the_palette_is_that_of_voc():
    # The first colours as the development kit lists them: aeroplane, bicycle … and the border.
    palette = voc_palette().tolist()
    assert palette[:4] == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert palette[8] == [64, 0, 0]
    assert palette[255] == [224, 224, 192]
    assert len({tuple(colour) for colour in palette}) == 256


def test_a_converted_mask_is_an_error(tmp_path):
    write_numbers(object_numbers(annotated().images[0]), tmp_path / "mask.png")
    Image.open(tmp_path / "mask.png").convert("RGB").save(tmp_path / "rgb.png")
    with pytest.raises(DataError, match=r"rgb\.png holds colours \(RGB\)"):
        read_numbers(tmp_path / "rgb.png")
    (tmp_path / "no.png").write_bytes(b"no")
    with pytest.raises(DataError, match=r"no\.png cannot be read"):
        read_numbers(tmp_path / "no.png")


@pytest.mark.parametrize(("depth", "row"), [(1, 0b01101000), (2, 0b00011011), (4, 0x12), (8, 0x12)])
def test_grey_of_few_bits_holds_the_numbers_it_says(tmp_path, depth, row):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 8 // depth, 1, depth, 0, 0, 0, 0)
    (tmp_path / "grey.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes([0, row])))
        + chunk(b"IEND", b"")
    )
    numbers = [row >> shift & (1 << depth) - 1 for shift in range(8 - depth, -1, -depth)]
    assert read_numbers(tmp_path / "grey.png").tolist() == [numbers]


def test_more_objects_than_numbers_are_an_error():
    dot = np.ones((1, 1), bool)
    objects = tuple(Annotation(0, Region(2 * i, 0, dot)) for i in range(255))
    with pytest.raises(ValueError, match="needs 255 objects, but an indexed mask has room for 254"):
        object_numbers(AnnotatedImage("x.png", 600, 1, objects))
