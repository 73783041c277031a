"""Depth, polarity and range of pixels with more than 8 bits: what the header says is obeyed, doubt is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hybrid.errors import InputError
from hybrid.extractors.images import BadImageError, Reading, decode
from hybrid.extractors.images.decoding import decode_whole

RAMP = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (8, 1))


def tiff(values, bits, kind=1, photometric=1, order="<", deflated=False, **more):
    """Return a grey TIFF; `more` are further tags, as numbers or floats."""
    height, width = values.shape
    if bits % 8:
        ones = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
        raw = np.packbits(ones.astype(np.uint8).reshape(height, -1), axis=1).tobytes()
    else:
        raw = values.astype(f"{order}{'uif'[kind - 1]}{bits // 8}").tobytes()
    raw = zlib.compress(raw) if deflated else raw
    tags = {
        256: width,
        257: height,
        258: bits,
        259: 8 if deflated else 1,
        262: photometric,
        273: 8,
        277: 1,
        278: height,
        279: len(raw),
    }
    tags |= {339: kind} | {int(name.removeprefix("tag")): value for name, value in more.items()}
    entries = b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, float):
            entries += struct.pack(f"{order}HHIf", tag, 11, 1, value)
        else:
            entries += struct.pack(f"{order}HHII", tag, 4, 1, value)
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(raw)) + raw + directory


def png(values, significant=None):
    """Return a PNG of 16 bits, grey or RGB, perhaps with a chunk sBIT."""
    channels = values.shape[2] if values.ndim == 3 else 1
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2 if channels == 3 else 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [(b"IHDR", header), *([(b"sBIT", bytes([significant] * channels))] if significant else [])]
    parts += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    framed = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def grey(data, **reading):
    return decode(data, (8, 16), 1, name="x", reading=Reading.of(**reading))[..., 0].astype(int)


def assert_is_ramp(found):
    assert np.abs(found - RAMP.astype(int)).max() <= 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
@pytest.mark.parametrize("photometric", [0, 1])
def test_a_tiff_is_scaled_by_its_depth_and_white_may_be_zero(order, bits, photometric):
    values = np.round(RAMP / 255 * (2**bits - 1)).astype(np.uint16)
    found = grey(tiff(values, bits, order=order, photometric=photometric))
    assert_is_ramp(found if photometric else 255 - found)


def test_a_compressed_tiff_of_12_bits_is_read_or_refused_by_its_kind():
    data = bytearray(tiff(np.round(RAMP / 255 * 1023).astype(np.uint16), 10))
    place = data.index(struct.pack("<HHI", 259, 4, 1)) + 8
    data[place : place + 4] = struct.pack("<I", 8)
    with pytest.raises(BadImageError, match="10-bit unsigned integer pixels, as this TIFF has them, cannot be read"):
        grey(bytes(data))


def test_a_stated_range_is_used_for_integers_and_floating_point():
    deep = RAMP.astype(float)
    assert_is_ramp(grey(tiff(deep * 4 + 100, 16, tag340=100, tag341=1120)))
    for bits in (32, 64):
        assert_is_ramp(grey(tiff(deep / 255, bits, 3, tag340=0.0, tag341=1.0)))
    assert_is_ramp(grey(tiff(deep * 4 - 500, 16, 2, tag340=-500.0, tag341=520.0)))
    assert_is_ramp(255 - grey(tiff(deep / 255, 32, 3, photometric=0, tag340=0.0, tag341=1.0)))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize(("bits", "kind"), [(16, 1), (16, 2), (32, 2), (32, 3)])
def test_a_compressed_file_is_read_in_either_order_of_bytes(order, photometric, bits, kind):
    """libtiff returns values in the machine's order."""
    low, high = (-1.5, 1.5) if kind == 3 else (0, 4080) if kind == 1 else (-2040, 2040)
    values = RAMP.astype(float) / 255 * (high - low) + low
    data = tiff(values, bits, kind, photometric, order, deflated=True, tag340=float(low), tag341=float(high))
    assert_is_ramp(grey(data) if photometric else 255 - grey(data))


def test_white_may_be_zero_in_values_of_8_bits_with_a_sign():
    values = RAMP.astype(int) // 2 - 64
    for photometric in (0, 1):
        found = grey(tiff(values, 8, 2, photometric, tag340=-64.0, tag341=63.0))
        assert np.abs((found if photometric else 255 - found) - (values + 64) / 127 * 255).max() <= 1


def test_max_sample_value_states_a_depth_but_not_the_maximum_of_one_image():
    values = np.round(RAMP / 255 * 4095).astype(np.uint16)
    assert_is_ramp(grey(tiff(values, 16, tag281=4095)))
    np.testing.assert_array_equal(grey(tiff(values, 16, tag281=4000)), grey(tiff(values, 16)))


@pytest.mark.parametrize(
    ("bits", "kind", "name"),
    [
        (8, 2, "8-bit signed integer"),
        (16, 2, "16-bit signed integer"),
        (32, 2, "32-bit signed integer"),
        (32, 1, "32-bit unsigned integer"),
        (16, 3, "16-bit floating-point"),
        (32, 3, "32-bit floating-point"),
        (64, 3, "64-bit floating-point"),
    ],
)
@pytest.mark.parametrize("order", "<>")
def test_values_without_a_range_are_refused_by_their_type_and_read_with_one(bits, kind, name, order):
    values = RAMP // 4
    data = tiff(values, bits, kind, order=order)
    with pytest.raises(BadImageError, match=f"'x' .*{name} pixels have no fixed range.*--bit-depth"):
        grey(data)
    for reading in ({"bit_depth": 6}, {"window": (31.5, 63)}, {"window": "full"}):
        assert np.abs(grey(data, **reading) - values / 63 * 255).max() <= 1


def test_values_that_exceed_the_given_depth_are_refused():
    with pytest.raises(BadImageError, match="from 0 to 4095, which do not fit into the bit depth of 10"):
        grey(png(RAMP.astype(int) * 4095 // 255), bit_depth=10)
    with pytest.raises(BadImageError, match="NaN"):
        grey(tiff(np.full((8, 16), np.nan), 32, 3), window="0.5,1")


def test_a_png_of_16_bits_with_fewer_significant_ones_is_scaled_if_it_was_not():
    low = np.round(RAMP / 255 * 4095).astype(int)
    high = low << 4 | low >> 8
    for values in (low, high, low << 4):
        assert_is_ramp(grey(png(values, significant=12)))
    dark = high // 32 >> 4 << 4  # below 4096, but scaled as the specification says
    np.testing.assert_array_equal(grey(png(dark, significant=12)), grey(png(dark)))
    assert grey(png(low)).max() <= 16  # without sBIT nothing says that 12 bits are meant


def test_12_bits_in_16_bit_files_are_read_with_a_bit_depth(tmp_path):
    low = np.round(RAMP / 255 * 4095).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(low).save(buffer, "TIFF", compression="tiff_lzw")
    pgm = b"P5 16 8 65535\n" + low.astype(">u2").tobytes()
    for data in (png(low), tiff(low, 16), tiff(low, 16, order=">"), buffer.getvalue(), pgm):
        assert_is_ramp(grey(data, bit_depth=12))
        assert grey(data).max() <= 16
    stated = b"P5 16 8 4095\n" + low.astype(">u2").tobytes()
    assert_is_ramp(grey(stated))
    assert_is_ramp(grey(stated, bit_depth=12))
    eight = io.BytesIO()
    Image.fromarray(RAMP).save(eight, "PNG")
    np.testing.assert_array_equal(grey(eight.getvalue(), bit_depth=12), RAMP)


def test_both_bytes_of_16_bit_colour_are_read_with_a_bit_depth():
    low = np.round(np.dstack([RAMP, RAMP[:, ::-1], RAMP // 2]) / 255 * 4095).astype(np.uint16)
    ppm = b"P6 16 8 65535\n" + low.astype(">u2").tobytes()
    for data in (png(low), ppm):
        found = decode(data, (8, 16), 3, reading=Reading(12))
        assert np.abs(found - low / 4095 * 255).max() <= 1
        assert decode(data, (8, 16), 3).max() <= 16
        assert decode_whole(data).peak == 4095
    assert np.abs(decode(png(low, significant=12), (8, 16), 3) - low / 4095 * 255).max() <= 1


def test_the_peak_shows_unused_bits_only_where_the_header_does_not_tell():
    low = np.round(RAMP / 255 * 4095).astype(np.uint16)
    assert decode_whole(png(low)).peak == 4095
    assert decode_whole(tiff(low, 16)).peak == 4095
    for data in (png(low, significant=12), tiff(low, 12), tiff(low, 16, tag281=4095), RAMP):
        assert decode_whole(data).peak == 0


@pytest.mark.parametrize(
    "given",
    [
        {"bit_depth": 0},
        {"bit_depth": 33},
        {"bit_depth": "12"},
        {"window": "40"},
        {"window": (40, 0)},
        {"window": "a,b"},
    ],
)
def test_an_impossible_reading_is_refused(given):
    with pytest.raises(InputError, match=f"{next(iter(given))}=.* was given; expected"):
        Reading.of(**given)
