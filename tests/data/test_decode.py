"""Image files to arrays: exact where nothing is resized, and clear about files that are wrong."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from helpers.data.decode import (
    in_parallel,
    read_header,
    read_image,
    read_mask,
    read_orientation,
    read_picture,
    stacked,
    upright_size,
)
from helpers.errors import DataError


@pytest.fixture
def save(tmp_path):
    def write(array, name="image.png", mode=None):
        path = tmp_path / name
        image = Image.fromarray(array)
        (image.convert(mode) if mode else image).save(path)
        return path

    return write


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_colour_is_kept_exactly(save):
    picture = noise(12, 12, 3)
    np.testing.assert_array_equal(read_image(save(picture), 12), picture.transpose(2, 0, 1))


def test_grey_becomes_three_equal_channels(save):
    picture = noise(12, 12)
    np.testing.assert_array_equal(read_image(save(picture), 12), np.stack([picture] * 3))


def test_one_bit_and_palette_images_become_colour(save):
    black_and_white = (noise(12, 12) > 128).astype(np.uint8) * 255
    found = read_image(save(black_and_white, mode="1"), 12)
    np.testing.assert_array_equal(found[0], black_and_white)
    assert read_image(save(noise(12, 12, 3), mode="P"), 12).shape == (3, 12, 12)


def test_shrinking_averages(save):
    checks = np.indices((16, 16)).sum(0) % 2 * np.uint8(200)
    small = read_image(save(checks.astype(np.uint8)), 4)
    # Without anti-aliasing a checkerboard would become 0 or 200, not its mean.
    assert np.abs(small[:, 1:-1, 1:-1].astype(int) - 100).max() <= 2


def test_an_opaque_alpha_channel_is_dropped(save):
    picture = np.dstack([noise(8, 8, 3), np.full((8, 8), 255, np.uint8)])
    np.testing.assert_array_equal(
        read_image(save(picture), 8), picture[:, :, :3].transpose(2, 0, 1)
    )


def test_transparency_is_refused(save):
    picture = np.dstack([noise(8, 8, 3), np.full((8, 8), 254, np.uint8)])
    with pytest.raises(DataError, match=r"image\.png is partly transparent"):
        read_image(save(picture), 8)


def test_sixteen_bits_are_refused(save):
    with pytest.raises(DataError, match=r"image\.png has more than 8 bits .*Convert it"):
        read_image(save(noise(8, 8).astype(np.uint16) * 257), 8)


def test_sixteen_bits_of_colour_are_refused(tmp_path):
    # Pillow reads such a file as 8-bit RGB, and twelve-bit data in it as nearly black.
    path = tmp_path / "deep.png"
    rows = noise(8, 8, 3).astype(">u2") * 16

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
    assert Image.open(path).mode == "RGB"
    with pytest.raises(DataError, match=r"deep\.png has more than 8 bits"):
        read_image(path, 8)


def test_transparency_of_a_palette_or_a_key_colour_is_refused(tmp_path):
    palette, key = tmp_path / "palette.png", tmp_path / "key.png"
    picture = noise(8, 8, 3)
    indexed = Image.fromarray(picture).quantize(4)
    indexed.save(palette, transparency=int(np.asarray(indexed)[0, 0]))
    Image.fromarray(picture).save(key, transparency=tuple(map(int, picture[3, 4])))
    for path in (palette, key):
        with pytest.raises(DataError, match=rf"{path.name} is partly transparent"):
            read_image(path, 8)


def test_a_turned_photograph_is_put_upright(tmp_path):
    picture = noise(8, 8, 3)
    orientation = Image.Exif()
    orientation[0x0112] = 6  # the stored picture has to be turned by 90 degrees clockwise
    path = tmp_path / "turned.png"
    Image.fromarray(picture).save(path, exif=orientation)
    np.testing.assert_array_equal(read_image(path, 8), np.rot90(picture, k=-1).transpose(2, 0, 1))


def tagged(tmp_path, tags, size=(4, 6)):
    """Write a JPEG file whose EXIF holds ``tags`` byte by byte: (tag, type, bytes of the value)."""
    entries, more = b"", b""
    start = 8 + 2 + 12 * len(tags) + 4
    for tag, kind, value in tags:
        count = len(value) if kind == 2 else 1
        if len(value) > 4:
            value, more = struct.pack("<I", start + len(more)), more + value
        entries += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + more
    Image.new("RGB", size, "red").save(tmp_path / "photo.jpg", exif=exif)
    return tmp_path / "photo.jpg"


TEXT, SHORT = 2, 3


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(9))
def test_every_orientation_is_turned_as_pillow_does(tmp_path, orientation, ending):
    path = tmp_path / f"p.{ending}"
    picture = Image.fromarray(noise(6, 4, 3))
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(path, exif=exif)
    with Image.open(path) as stored:
        expected = ImageOps.exif_transpose(stored)
    found = read_picture(path)
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    assert upright_size(path) == found.size == expected.size
    assert read_orientation(path) == max(orientation, 1)


@pytest.mark.parametrize("value", [9, 65535])
def test_an_orientation_that_means_nothing_is_refused(tmp_path, value):
    path = tagged(tmp_path, [(0x0112, SHORT, struct.pack("<H", value))])
    for read in (upright_size, read_picture, read_orientation):
        with pytest.raises(DataError, match=rf"photo\.jpg .*orientation is {value}, not a number"):
            read(path)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_exif_data_that_are_cut_anywhere_are_refused(tmp_path, ending, order):
    # Pillow leaves out what follows the cut, the orientation too, and only warns.
    path, picture = tmp_path / f"cut.{ending}", Image.fromarray(noise(4, 6, 3))
    exif = Image.Exif()
    exif.endian = order
    exif[0x010E], exif[0x0112] = "a nut described at length", 6
    whole = exif.tobytes()
    picture.save(path, exif=whole)
    assert read_orientation(path) == 6
    for end in range(8, len(whole)):
        picture.save(path, exif=whole[:end])
        for read in (read_orientation, upright_size, read_picture):
            with pytest.raises(DataError, match=rf"cut\.{ending} cannot be read as an image"):
                read(path)
    with pytest.raises(DataError, match="its EXIF data are cut short: save it anew, upright"):
        read_orientation(path)


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_mask_is_turned_with_its_image_or_refused(tmp_path, orientation, ending):
    stored = np.zeros((8, 8, 3), np.uint8)
    stored[1:3, 2:7] = 200, 10, 10
    exif = Image.Exif()
    exif[0x0112] = orientation
    image, mask, plain = (tmp_path / f"{name}.{ending}" for name in ("image", "mask", "plain"))
    Image.fromarray(stored).save(image, exif=exif)
    marked = Image.fromarray((stored[:, :, 0] > 0).astype(np.uint8) * 255)
    marked.save(mask, exif=exif)
    marked.save(plain)
    shape = upright_size(image), read_orientation(image)
    np.testing.assert_array_equal(read_mask(mask, 8, *shape), read_image(image, 8)[0] > 100)
    with pytest.raises(DataError, match=rf"plain\.{ending} has the EXIF orientation 1, its image"):
        read_mask(plain, 8, *shape)
    with pytest.raises(DataError, match=rf"mask\.{ending} has the EXIF .*its image 1, so"):
        read_mask(mask, 8, (8, 8))


def test_pages_and_animations_are_refused(tmp_path):
    pages = [Image.fromarray(noise(8, 8, 3)), Image.fromarray(noise(8, 8, 3)[::-1])]
    for ending in ("tif", "png", "webp"):
        path = tmp_path / f"two.{ending}"
        pages[0].save(path, save_all=True, append_images=pages[1:])
        for read in (read_header, read_picture, lambda p: read_mask(p, 8, (8, 8))):
            with pytest.raises(DataError, match=rf"two\.{ending} holds more than one picture"):
                read(path)


def test_a_photograph_may_bring_a_preview(tmp_path):
    path = tmp_path / "phone.jpg"
    pages = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (200, 50)]
    pages[0].save(path, format="MPO", save_all=True, append_images=pages[1:])
    with Image.open(path) as stored:
        assert stored.n_frames == 2
    assert (read_image(path, 8) == 200).all()


def test_other_formats_and_colours_are_refused(tmp_path):
    picture = Image.fromarray(noise(8, 8, 3))
    picture.save(tmp_path / "gif.png", format="gif")
    with pytest.raises(DataError, match=r"gif\.png cannot be read as an image"):
        read_image(tmp_path / "gif.png", 8)
    picture.convert("CMYK").save(tmp_path / "print.tif")
    with pytest.raises(DataError, match=r"print\.tif has the colours CMYK"):
        read_image(tmp_path / "print.tif", 8)


def test_no_flipped_bit_of_a_png_gets_through(save):
    path = save(noise(8, 8, 3))
    whole, picture = path.read_bytes(), read_image(path, 8)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        try:
            np.testing.assert_array_equal(read_image(path, 8), picture)
        except DataError as error:
            assert "image.png" in str(error)


def test_an_orientation_in_words_is_refused_with_the_files_name(tmp_path):
    path = tagged(tmp_path, [(0x0112, TEXT, b"abc\0")])
    for read in (upright_size, read_picture):
        with pytest.raises(DataError, match=r"photo\.jpg cannot .*orientation is 'abc', not a num"):
            read(path)


def test_odd_values_beside_the_orientation_do_not_matter(tmp_path):
    turned = (0x0112, SHORT, struct.pack("<H", 6))
    # The width in words, the resolution as one byte: Pillow cannot write these anew.
    path = tagged(tmp_path, [(0x0100, TEXT, b"wide\0"), turned, (0x011A, TEXT, b"?\0")])
    assert upright_size(path) == read_picture(path).size == (6, 4)


def test_no_more_pixels_are_claimed_than_are_read(tmp_path):
    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    # 10,000 × 10,000 pixels in 57 bytes: less than what Pillow itself refuses.
    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(png)
    for read in (read_header, upright_size, read_picture):
        with (
            pytest.warns(Image.DecompressionBombWarning),
            pytest.raises(DataError, match=r"bomb\.png is too large .*at most 67,108,864"),
        ):
            read(tmp_path / "bomb.png")


def test_enormous_images_are_refused(save, monkeypatch):
    path = save(noise(20, 20, 3))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for read in (read_header, lambda path: read_image(path, 8)):
        with pytest.raises(DataError, match=r"image\.png is too large .*Make it smaller"):
            read(path)


def test_oblong_images_are_refused(save):
    with pytest.raises(DataError, match=r"image\.png is 10 × 8 pixels. Images must be square"):
        read_image(save(noise(8, 10, 3)), 8)


def test_no_image_and_cut_short(save, tmp_path):
    text = tmp_path / "text.png"
    text.write_text("hello")
    with pytest.raises(DataError, match=r"text\.png cannot be read as an image"):
        read_image(text, 8)
    with pytest.raises(DataError, match=r"text\.png cannot be read as an image"):
        read_header(text)
    cut = save(noise(64, 64, 3), "cut.png")
    cut.write_bytes(cut.read_bytes()[:-4000])
    with pytest.raises(DataError, match=r"cut\.png cannot be read as an image"):
        read_image(cut, 64)
    with pytest.raises(DataError, match=r"none\.png cannot be read \(No such file"):
        read_image(tmp_path / "none.png", 8)
    with pytest.raises(DataError, match=r"folder\.png cannot be read \(Is a directory"):
        (tmp_path / "folder.png").mkdir()
        read_image(tmp_path / "folder.png", 8)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif"])
def test_wherever_a_file_is_cut_it_is_refused_or_still_whole(save, ending):
    path = save(noise(16, 16, 3), f"cut.{ending}")
    content, picture = path.read_bytes(), read_image(path, 16)
    refused = 0
    for length in range(0, len(content), 1 + len(content) // 60):
        path.write_bytes(content[:length])
        try:
            np.testing.assert_array_equal(read_image(path, 16), picture)
        except DataError:
            refused += 1
    assert refused > 50


def test_headers(save):
    assert read_header(save(noise(8, 10))) == (10, 8, "L")


@pytest.mark.parametrize("value", [255, 1, 128])
def test_masks_with_one_value_besides_zero(save, value):
    mask = np.zeros((8, 8), np.uint8)
    mask[2:4, 5] = value
    np.testing.assert_array_equal(read_mask(save(mask), 8, (8, 8)), mask > 0)


def test_one_bit_and_colour_masks(save):
    mask = np.zeros((8, 8), np.uint8)
    mask[2:4, 5] = 255
    np.testing.assert_array_equal(read_mask(save(mask, mode="1"), 8, (8, 8)), mask > 0)
    np.testing.assert_array_equal(read_mask(save(mask, mode="RGB"), 8, (8, 8)), mask > 0)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_an_opaque_alpha_channel_marks_nothing(save, mode):
    mask = np.zeros((8, 8), np.uint8)
    mask[2:4, 5] = 255
    np.testing.assert_array_equal(read_mask(save(mask, mode=mode), 8, (8, 8)), mask > 0)


def test_a_transparent_mask_is_refused(save):
    mask = np.full((8, 8, 4), 255, np.uint8)
    mask[4:, :, 3] = 0
    with pytest.raises(DataError, match=r"image\.png is partly transparent"):
        read_mask(save(mask), 8, (8, 8))


@pytest.mark.parametrize("white", [0, 1])
def test_the_colours_of_a_palette_count_not_their_numbers(tmp_path, white):
    marked = np.zeros((8, 8), bool)
    marked[2:4, 5] = True
    image = Image.frombytes("P", (8, 8), np.where(marked, white, 1 - white).astype("u1").tobytes())
    image.putpalette([255] * 3 + [0] * 3 if white == 0 else [0] * 3 + [255] * 3)
    image.save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png", 8, (8, 8)), marked)


def test_a_fully_marked_mask(save):
    assert read_mask(save(np.full((8, 8), 255, np.uint8)), 8, (8, 8)).all()


def test_shrinking_a_mask_takes_the_nearest_pixel(save):
    mask = np.zeros((8, 8), np.uint8)
    mask[:, 4:] = 255
    np.testing.assert_array_equal(
        read_mask(save(mask), 4, (8, 8)), np.array([[False, False, True, True]] * 4)
    )


def test_a_mask_too_thin_for_the_new_size_does_not_vanish(save):
    mask = np.zeros((64, 64), np.uint8)
    mask[32, 8] = 255
    small = read_mask(save(mask), 8, (64, 64))
    assert np.argwhere(small).tolist() == [[4, 1]]


def test_smoothed_masks_are_refused(save):
    mask = np.zeros((8, 8), np.uint8)
    mask[2, 2:5] = 40, 200, 255
    with pytest.raises(DataError, match=r"image\.png holds 4 different values, 0 to 255"):
        read_mask(save(mask), 8, (8, 8))


def test_two_values_without_zero_are_refused(save):
    mask = np.full((8, 8), 100, np.uint8)
    mask[0] = 255
    with pytest.raises(DataError, match="2 different values, 100 to 255"):
        read_mask(save(mask), 8, (8, 8))


def test_an_empty_mask_is_refused(save):
    with pytest.raises(DataError, match=r"image\.png marks nothing"):
        read_mask(save(np.zeros((8, 8), np.uint8)), 8, (8, 8))


def test_a_mask_of_another_size_is_refused(save):
    with pytest.raises(DataError, match="is 8 × 8 pixels, its image 16 × 16"):
        read_mask(save(np.full((8, 8), 255, np.uint8)), 8, (16, 16))


def test_work_in_threads_keeps_the_order():
    assert in_parallel(lambda x: x * x, range(50), "squares") == [x * x for x in range(50)]


def test_results_are_stacked_in_order():
    whole = stacked(lambda x: np.full((2, 3), x), range(20), (2, 3), np.uint8, "squares")
    assert whole.dtype == np.uint8
    assert whole.shape == (20, 2, 3)
    assert whole[:, 1, 2].tolist() == list(range(20))
