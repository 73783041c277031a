"""The decode policy: each rule, tested on an image made for it."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hybrid.errors import InputError
from hybrid.extractors.images.decoding import (
    INTERPOLATIONS,
    BadImageError,
    decode,
    read_bytes,
)
from hybrid.extractors.images.formats import HEAD_BYTES, has_more_frames, sniff_format

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (10, 14, 3), np.uint8)
GREY = RGB[..., 0]


def encoded(tmp_path, image, suffix=".png", **options):
    path = tmp_path / f"image{suffix}"
    image.save(path, **options)
    return path.read_bytes()


def png(pixels, colour_type, *chunks):
    """Return a 16-bit PNG of a kind that Pillow reads but does not write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour_type, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    framed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def decoded(data, size=(10, 14), channels=3, **options):
    return decode(data, size, channels, name="x", **options)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm"])
def test_lossless_formats_come_back_as_they_were(tmp_path, suffix):
    np.testing.assert_array_equal(decoded(encoded(tmp_path, Image.fromarray(RGB), suffix)), RGB)


def test_lossless_webp_comes_back_as_it_was(tmp_path):
    data = encoded(tmp_path, Image.fromarray(RGB), ".webp", lossless=True)
    np.testing.assert_array_equal(decoded(data), RGB)


def test_grey_to_rgb_repeats_the_channel_and_rgb_to_grey_is_luma(tmp_path):
    np.testing.assert_array_equal(decoded(GREY), np.repeat(GREY[..., None], 3, axis=2))
    luma = RGB @ np.array([0.299, 0.587, 0.114])
    assert np.abs(decoded(RGB, channels=1)[..., 0] - luma).max() <= 1
    jpeg = encoded(tmp_path, Image.fromarray(np.full((10, 14), 99, np.uint8)), ".jpg")
    assert np.abs(decoded(jpeg).astype(int) - 99).max() <= 1


def test_pixel_arrays_decode_like_their_files(tmp_path):
    data = encoded(tmp_path, Image.fromarray(RGB))
    np.testing.assert_array_equal(decoded(RGB, size=(5, 6)), decoded(data, size=(5, 6)))
    np.testing.assert_array_equal(decoded(GREY[..., None]), decoded(GREY))
    np.testing.assert_array_equal(decoded(RGB[::-1, ::-1]), RGB[::-1, ::-1])  # not contiguous


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
        (8, np.rot90),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_exif_orientation_is_applied(tmp_path, orientation, upright, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = upright(RGB)
    options = {"lossless": True} if suffix == ".webp" else {}
    data = encoded(tmp_path, Image.fromarray(RGB), suffix, exif=exif, **options)
    np.testing.assert_array_equal(decoded(data, size=expected.shape[:2]), expected)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_an_image_with_a_corrupt_exif_block_is_read(tmp_path):
    data = encoded(tmp_path, Image.fromarray(RGB), exif=b"Exif\x00\x00MM\x00*garbage")
    np.testing.assert_array_equal(decoded(data), RGB)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_scaled_by_their_full_range(tmp_path, suffix):
    deep = np.linspace(0, 65535, 140).astype(np.uint16).reshape(10, 14)
    data = encoded(tmp_path, Image.fromarray(deep), suffix)
    expected = np.floor(deep / 65535 * 255 + 0.5)
    np.testing.assert_array_equal(decoded(data, channels=1)[..., 0], expected)
    np.testing.assert_array_equal(decoded(data)[..., 2], expected)


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_16_bit_tiff_in_either_byte_order(tmp_path, mode):
    deep = np.linspace(0, 65535, 140).astype(np.uint16).reshape(10, 14)
    image = Image.frombytes(mode, (14, 10), deep.astype("<u2" if mode == "I;16" else ">u2").tobytes())
    data = encoded(tmp_path, image, ".tif")
    np.testing.assert_array_equal(decoded(data, channels=1)[..., 0], np.floor(deep / 65535 * 255 + 0.5))


def test_16_bit_colour_gives_its_upper_byte():
    deep = RNG.integers(0, 65536, (10, 14, 3))
    deep[0, 0], deep[0, 1] = 65535, 0
    np.testing.assert_array_equal(decoded(png(deep, colour_type=2)), deep >> 8)
    alpha = np.full((10, 14, 1), 65535)
    np.testing.assert_array_equal(decoded(png(np.dstack([deep, alpha]), colour_type=6)), deep >> 8)


def test_16_bit_pgm_is_scaled(tmp_path):
    deep = np.linspace(0, 65535, 140).astype(">u2").reshape(10, 14)
    data = b"P5 14 10 65535\n" + deep.tobytes()
    np.testing.assert_array_equal(decoded(data, channels=1)[..., 0], np.floor(deep / 65535 * 255 + 0.5))


def test_one_bit_is_black_and_white(tmp_path):
    bits = GREY > 127
    data = encoded(tmp_path, Image.fromarray(bits))
    np.testing.assert_array_equal(decoded(data, channels=1)[..., 0], np.where(bits, 255, 0))


@pytest.mark.parametrize("suffix", [".tif", ".bmp", ".pbm"])
def test_one_bit_in_other_formats(tmp_path, suffix):
    bits = GREY > 127
    expected = np.repeat(np.where(bits, 255, 0)[..., None], 3, axis=2)
    np.testing.assert_array_equal(decoded(encoded(tmp_path, Image.fromarray(bits), suffix)), expected)


def test_a_palette_image_is_converted_to_rgb(tmp_path):
    image = Image.fromarray(RGB).quantize(16)
    colours = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(decoded(encoded(tmp_path, image)), colours)
    luma = decoded(colours.copy(), channels=1)
    np.testing.assert_array_equal(decoded(encoded(tmp_path, image), channels=1), luma)


def test_alpha_is_composited_on_black(tmp_path):
    alpha = RNG.integers(0, 256, (10, 14), np.uint8)
    expected = RGB * (alpha[..., None] / 255)
    data = encoded(tmp_path, Image.fromarray(np.dstack([RGB, alpha])))
    assert np.abs(decoded(data) - expected).max() <= 1
    grey = encoded(tmp_path, Image.fromarray(np.dstack([GREY, alpha])))
    assert np.abs(decoded(grey, channels=1)[..., 0] - GREY * (alpha / 255)).max() <= 1


def test_a_transparent_palette_colour_is_black(tmp_path):
    image = Image.new("P", (14, 10), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(0, (0, 0, 7, 10))
    found = decoded(encoded(tmp_path, image, transparency=0))
    assert (found[:, :7] == 0).all()
    assert (found[:, 7:] == [0, 255, 0]).all()


def test_the_transparent_colour_of_a_png_is_black(tmp_path):
    grey = encoded(tmp_path, Image.fromarray(GREY), transparency=int(GREY[0, 0]))
    np.testing.assert_array_equal(decoded(grey, channels=1)[..., 0], np.where(GREY[0, 0] == GREY, 0, GREY))
    rgb = encoded(tmp_path, Image.fromarray(RGB), transparency=tuple(RGB[0, 0].tolist()))
    clear = (RGB[0, 0] == RGB).all(axis=2, keepdims=True)
    np.testing.assert_array_equal(decoded(rgb), np.where(clear, 0, RGB))
    deep = GREY.astype(np.uint16) * 257
    data = png(deep, 0, (b"tRNS", struct.pack(">H", deep[0, 0])))
    np.testing.assert_array_equal(decoded(data, channels=1)[..., 0], np.where(GREY[0, 0] == GREY, 0, GREY))


def test_palette_colours_may_be_partly_transparent(tmp_path):
    image = Image.new("P", (14, 10), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert (decoded(encoded(tmp_path, image, transparency=bytes([255, 51]))) == [0, 51, 0]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_black_is_under_alpha_in_every_format_that_has_it(tmp_path, channels):
    half = Image.new("RGBA", (14, 10), (200, 200, 200, 128))
    for suffix, options in ((".png", {}), (".tif", {}), (".webp", {"lossless": True})):
        assert (decoded(encoded(tmp_path, half, suffix, **options), channels=channels) == 100).all()


def test_cmyk_tiff_is_not_inverted(tmp_path):
    image = Image.new("CMYK", (14, 10), (0, 255, 255, 0))
    np.testing.assert_array_equal(decoded(encoded(tmp_path, image, ".tif"))[0, 0], [255, 0, 0])


def test_an_adobe_jpeg_holds_its_cmyk_inverted(tmp_path):
    data = encoded(tmp_path, Image.new("CMYK", (16, 16), (0, 0, 0, 0)), ".jpg")
    assert b"Adobe" in data
    assert (decoded(data, size=(16, 16)) >= 250).all()  # no ink: white


def test_ycbcr_and_lab_are_converted_to_rgb(tmp_path):
    flat = Image.new("RGB", (16, 16), (180, 90, 40))
    for mode in ("YCbCr", "LAB"):
        data = encoded(tmp_path, flat.convert(mode), ".tif")
        assert np.abs(decoded(data, size=(16, 16)).astype(int) - [180, 90, 40]).max() <= 3


def test_cmyk_jpeg_gives_its_colour(tmp_path):
    image = Image.new("CMYK", (14, 10), (0, 255, 255, 0))  # red
    assert np.abs(decoded(encoded(tmp_path, image, ".jpg")).astype(int) - [255, 0, 0]).max() <= 4


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".tif", ".png"])
def test_only_the_first_frame_is_used(tmp_path, suffix):
    frames = [Image.new("RGB", (14, 10), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if suffix == ".webp" else {}
    data = encoded(tmp_path, frames[0], suffix, save_all=True, append_images=frames[1:], **options)
    assert (decoded(data) == [255, 0, 0]).all()
    assert has_more_frames(data)
    assert not has_more_frames(encoded(tmp_path, frames[0], suffix))
    assert not has_more_frames(data[:20])  # a broken file is reported when it is decoded


def test_the_second_picture_of_a_camera_file_is_not_an_animation(tmp_path):
    both = [Image.fromarray(np.kron(RGB, np.ones((40, 40, 1), np.uint8))), Image.new("RGB", (14, 10))]
    data = encoded(tmp_path, both[0], ".mpo", save_all=True, append_images=both[1:])
    assert not has_more_frames(data)
    np.testing.assert_array_equal(decoded(data), decoded(encoded(tmp_path, both[0], ".jpg")))


def test_the_format_is_recognised_by_content(tmp_path):
    png = encoded(tmp_path, Image.fromarray(RGB))
    path = tmp_path / "image.jpg"
    path.write_bytes(png)
    np.testing.assert_array_equal(decoded(read_bytes(str(path))), RGB)


def test_resizing_stretches_and_antialiases():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    small = decoded(stripes, size=(8, 4))
    assert small.shape == (8, 4, 3)
    assert np.abs(small.astype(int) - 100).max() <= 2  # without antialiasing: all 0 or all 200
    assert set(np.unique(decoded(stripes, size=(8, 4), interpolation="nearest"))) <= {0, 200}


@pytest.mark.parametrize("name", INTERPOLATIONS)
def test_interpolation_is_pillows_of_that_name(name):
    assert INTERPOLATIONS[name].name == name.upper()
    expected = np.asarray(Image.fromarray(RGB).resize((9, 21), INTERPOLATIONS[name]))
    np.testing.assert_array_equal(decoded(RGB, size=(21, 9), interpolation=name), expected)


def test_unknown_interpolation_is_refused():
    with pytest.raises(InputError, match="'bicubic'"):
        decoded(RGB, size=(4, 4), interpolation="bicubc")


@pytest.mark.parametrize("place", [2, 20, 200, 0.5, 0.9, -12])
def test_a_truncated_jpeg_is_refused(tmp_path, place):
    noise = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8))
    data = encoded(tmp_path, noise, ".jpg")
    with pytest.raises(BadImageError, match=r"Image 'x' cannot be decoded: .*\.$"):
        decoded(data[: int(place * len(data)) if isinstance(place, float) else place])


@pytest.mark.parametrize("suffix", [".png", ".gif", ".tif", ".webp", ".bmp", ".ppm"])
def test_half_a_file_is_refused(tmp_path, suffix):
    data = encoded(tmp_path, Image.fromarray(RNG.integers(0, 256, (64, 64, 3), np.uint8)), suffix)
    with pytest.raises(BadImageError, match="Image 'x' cannot be decoded"):
        decoded(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html></html>", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
    ],
)
def test_a_file_that_is_not_an_image_is_refused_by_name(data, reason):
    with pytest.raises(BadImageError, match=f"Image 'x' cannot be decoded: .*{reason}") as error:
        decoded(data)
    assert "0x" not in str(error.value)


def test_pixels_without_a_fixed_range_are_refused_by_name(tmp_path):
    floats = encoded(tmp_path, Image.fromarray(np.ones((10, 14), np.float32)), ".tif")
    with pytest.raises(BadImageError, match="Image 'x' .*floating-point"):
        decoded(floats)
    integers = encoded(tmp_path, Image.fromarray(np.full((10, 14), 70000, np.int32)), ".tif")
    with pytest.raises(BadImageError, match="Image 'x' .*32-bit"):
        decoded(integers)


def test_missing_files_and_folders_are_refused_by_name(tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    for name in ("folder.jpg", "missing.jpg", "null\0byte.jpg"):
        with pytest.raises(BadImageError, match=name.split("\0")[0].split(".")[0]):
            read_bytes(str(tmp_path / name))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".bmp", ".tif", ".webp", ".ppm"])
def test_formats_are_sniffed(tmp_path, suffix):
    expected = {".jpg": "JPEG", ".tif": "TIFF"}.get(suffix, suffix[1:].upper())
    assert sniff_format(encoded(tmp_path, Image.fromarray(RGB), suffix)[:HEAD_BYTES]) == expected


# --- large JPEGs are decoded at a fraction of their size


def large_jpeg(mode, orientation=None):
    """Return a smooth 1200×900 picture, dark at the left and bright at the top right, as JPEG, and its pixels."""
    y, x = np.mgrid[0:900, 0:1200]
    pixels = (20 + 120 * x / 1199 + 100 * (x > 600) * (y < 300) * (1 - y / 300)).astype(np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue(), np.asarray(image)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_large_jpeg_decoded_in_part_looks_like_one_decoded_whole(mode, channels):
    data, _ = large_jpeg(mode)
    whole = Image.open(io.BytesIO(data)).convert("L" if channels == 1 else "RGB").resize((80, 60), Image.BILINEAR)
    found = decode(data, (60, 80), channels)
    difference = np.abs(found.astype(int) - np.asarray(whole, int).reshape(60, 80, channels))
    assert difference.mean() < 1
    assert difference.max() <= 6


def test_a_large_jpeg_is_never_decoded_below_the_size_asked_for(monkeypatch):
    seen = []
    resize = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda self, *args: seen.append(self.size) or resize(self, *args))
    data, _ = large_jpeg("L")
    decode(data, (220, 60), 1)
    assert seen == [(300, 225)]  # either side of the size asked for may be the longer one, once it is turned upright
    decode(data, (60, 230), 1)
    assert seen[1] == (600, 450)
    decode(data, (100, 60), 1, "nearest")
    assert seen[2] == (1200, 900)


def test_a_large_rotated_jpeg_is_turned_upright():
    data, pixels = large_jpeg("L", orientation=6)
    found = decode(data, (80, 60), 1)[..., 0]
    upright = np.asarray(Image.fromarray(np.rot90(pixels, -1)).resize((60, 80), Image.BILINEAR))
    assert np.abs(found.astype(int) - upright).mean() < 1
