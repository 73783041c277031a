"""Colours of DICOM files, compared with pydicom's own functions where these read them rightly."""

import numpy as np
import pydicom
import pytest
from made_dicom import dicom, palette, whole
from pydicom.pixels import apply_color_lut, convert_color_space

from hybrid.extractors.images import BadImageError

RAMP = np.tile(np.linspace(0, 255, 16).round().astype(np.uint8), (8, 1))
COLOUR = np.dstack([RAMP, RAMP[:, ::-1], RAMP.T.reshape(8, 16)])
STEPS = np.arange(256)
BIG_ENDIAN = "1.2.840.10008.1.2.2"


def of_palette(values, *channels, **options):
    order = options.get("order", "<")
    elements = palette(*channels, **options)
    syntax = BIG_ENDIAN if order == ">" else None
    return dicom(values, photometric="PALETTE COLOR", syntax=syntax, **elements)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("scale", "options"),
    [((256, 1), {"bits": 16}), ((1, 0), {"bits": 8}), ((1, 0), {"bits": 16}), ((1, 0), {"bits": 8, "as_bytes": True})],
    ids=["16 bits", "8 bits in words", "8 bits that call themselves 16", "8 bits in bytes"],
)
def test_palettes_of_8_and_16_bits_are_read_in_either_order(order, scale, options):
    channels = [steps * scale[0] + scale[1] for steps in (STEPS, STEPS[::-1], STEPS // 2)]
    data = of_palette(RAMP, *channels, order=order, **options)
    assert np.abs(whole(data) - np.dstack([RAMP, 255.0 - RAMP, RAMP // 2])).max() <= 1
    if order == "<" and "as_bytes" in options:
        expected = apply_color_lut(RAMP, pydicom.dcmread(pydicom.filebase.DicomBytesIO(data)))
        np.testing.assert_array_equal(whole(data), expected)


def test_a_palette_of_8_bits_may_have_more_than_256_entries_or_an_odd_number():
    values = RAMP.astype(np.uint16) * 16
    many = of_palette(values, *[np.arange(4096) // 16] * 3, bits=8, as_bytes=True)
    np.testing.assert_array_equal(whole(many)[..., 0], RAMP)
    odd = of_palette(RAMP // 2, *[np.arange(129) * 2 % 256] * 3, bits=8, as_bytes=True)
    np.testing.assert_array_equal(whole(odd)[..., 0], RAMP // 2 * 2)


def test_a_palette_may_begin_elsewhere_and_values_outside_have_its_first_or_last_colour():
    data = of_palette(RAMP.astype(np.uint16) * 3, *[STEPS * 257] * 3, first=200)
    np.testing.assert_array_equal(whole(data)[..., 0], np.clip(RAMP * 3.0 - 200, 0, 255))
    signed = RAMP.astype(np.int16) - 128
    data = of_palette(signed, *[STEPS * 257] * 3, first=-128, signed=True)
    np.testing.assert_array_equal(whole(data)[..., 0], RAMP)


def test_a_palette_in_segments_is_expanded():
    elements = palette(STEPS, STEPS, STEPS)
    segments = np.array([0, 1, 0, 1, 255, 65535], "<u2").tobytes()  # the value 0, then 255 steps up to 65535
    for name in ("Red", "Green", "Blue"):
        del elements[f"{name}PaletteColorLookupTableData"]
        elements[f"Segmented{name}PaletteColorLookupTableData"] = segments
    np.testing.assert_array_equal(whole(dicom(RAMP, photometric="PALETTE COLOR", **elements))[..., 0], RAMP)


def test_a_palette_that_is_cut_off_or_missing_is_refused():
    elements = palette(STEPS, STEPS, STEPS)
    short = elements | {"BluePaletteColorLookupTableData": bytes(300)}
    for given in (short, {}):
        with pytest.raises(BadImageError, match="its palette is missing or damaged"):
            whole(dicom(RAMP, photometric="PALETTE COLOR", **given))


@pytest.mark.parametrize("photometric", ["YBR_FULL", "RGB", "YBR_RCT"])
@pytest.mark.parametrize("planar", [0, 1])
def test_three_channels_are_converted_as_pydicom_does_in_either_arrangement(photometric, planar):
    stored = COLOUR if not planar else COLOUR.transpose(2, 0, 1).reshape(8, 16, 3)
    expected = COLOUR if photometric != "YBR_FULL" else convert_color_space(COLOUR, "YBR_FULL", "RGB")
    data = dicom(stored, photometric=photometric, PlanarConfiguration=planar)
    np.testing.assert_array_equal(whole(data), expected)


def test_subsampled_colours_are_read():
    """YBR_FULL_422: two pixels share their colour, in the order Y Y Cb Cr."""
    y, cb, cr = COLOUR[..., 0], COLOUR[:, ::2, 1], COLOUR[:, ::2, 2]
    pairs = np.dstack([y[:, ::2], y[:, 1::2], cb, cr]).astype(np.uint8).tobytes()
    full = np.dstack([y, cb.repeat(2, axis=1), cr.repeat(2, axis=1)])
    data = dicom(COLOUR, photometric="YBR_FULL_422", PixelData=pairs)
    np.testing.assert_array_equal(whole(data), convert_color_space(full, "YBR_FULL", "RGB"))


@pytest.mark.parametrize(
    ("photometric", "words"),
    [
        ("YBR_PARTIAL_422", "YBR_PARTIAL_422"),
        ("HSV", "HSV"),
        ("ZEBEDEE", "that is unknown"),
        ("", "missing"),
    ],
)
def test_colours_of_another_kind_are_refused_instead_of_taken_for_rgb(photometric, words):
    with pytest.raises(BadImageError, match=f"3 channels, PhotometricInterpretation {words}"):
        whole(dicom(COLOUR, photometric=photometric))


def test_grey_with_three_channels_and_colour_with_one_are_refused():
    grey_of_three = dicom(COLOUR, SamplesPerPixel=3, PixelData=COLOUR.tobytes()).replace(b"RGB ", b"HSV ")
    for data in (grey_of_three, dicom(RAMP, photometric="RGB"), dicom(RAMP, SamplesPerPixel=2)):
        with pytest.raises(BadImageError, match="unknown kind of colours"):
            whole(data)


def test_colours_of_more_than_8_bits_in_ybr_are_refused():
    with pytest.raises(BadImageError, match="cannot be decoded"):
        whole(dicom(COLOUR.astype(np.uint16) * 16, bits=12, photometric="YBR_FULL"))
