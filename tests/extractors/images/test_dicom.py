"""DICOM: grey values as a viewer shows them, compared with pydicom's own functions; and what is refused."""

import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from made_dicom import BIRTH, NAME, PATIENT, dicom, table, whole
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array

from hybrid.errors import MissingExtraError
from hybrid.extractors.images import BadImageError, decode
from hybrid.extractors.images.formats import has_more_frames, sniff_format
from hybrid.extractors.images.limits import set_max_pixels

FILES = Path(pydicom.__file__).parent / "data/test_files"
RAMP = np.tile(np.linspace(0, 4095, 16).round().astype(np.uint16), (8, 1))
UNREADABLE = {  # of those that have an image
    "JPEG-lossy.dcm": "JPEG Extended",
    "JPEG2000-embedded-sequence-delimiter.dcm": "compressed picture",
    "MR_truncated.dcm": "truncated or damaged",
    "badVR.dcm": "cannot be decoded|damaged",
}


def bundled():
    """Return the names of pydicom's own files that have an image."""
    names = []
    for path in sorted(FILES.glob("*.dcm")):
        with warnings.catch_warnings(action="ignore"):
            found = pydicom.dcmread(path, force=True)
        if "PixelData" in found and found.get("Rows") and path.name not in UNREADABLE:
            names.append(path.name)
    return names


def test_there_are_files_of_many_transfer_syntaxes():
    with warnings.catch_warnings(action="ignore"):
        syntaxes = {pydicom.dcmread(FILES / name, force=True).file_meta.TransferSyntaxUID for name in bundled()}
    assert len(syntaxes) >= 11, syntaxes


@pytest.mark.parametrize("name", bundled())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_bundled_file_is_shown_as_pydicoms_own_functions_say(name):
    data = (FILES / name).read_bytes()
    found = pydicom.dcmread(FILES / name, force=True)
    values = pixel_array(found, index=0)
    if found.PhotometricInterpretation == "PALETTE COLOR":
        expected = pydicom.pixels.apply_color_lut(values, found)[..., :3] / 257
    elif values.ndim == 3:
        expected = values / (2**found.BitsStored - 1) * 255
    else:
        values = apply_modality_lut(values, found)
        if "WindowCenter" in found or found.get("VOILUTSequence"):
            values = apply_voi_lut(values, found)
            signed = found.PixelRepresentation * 2 ** (found.BitsStored - 1)
            low, high = -signed, 2**found.BitsStored - 1 - signed
            slope, intercept = float(found.get("RescaleSlope", 1)), float(found.get("RescaleIntercept", 0))
            low, high = low * slope + intercept, high * slope + intercept
        elif found.BitsStored == 8:
            low, high = 0, 255
        else:
            low, high = values.min(), values.max()
        expected = (values - low) / (high - low) * 255
    assert np.abs(whole(data) - expected).max() <= 1.5
    assert has_more_frames(data) == (int(found.get("NumberOfFrames", 1)) > 1)


@pytest.mark.parametrize(("name", "words"), UNREADABLE.items())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_bundled_file_is_refused(name, words):
    with pytest.raises(BadImageError, match=words):
        whole((FILES / name).read_bytes())


@pytest.mark.parametrize("name", ["rtplan.dcm", "test-SR.dcm", "waveform_ecg.dcm", "dicomdirtests/DICOMDIR"])
def test_a_file_without_an_image_is_refused_by_its_kind(name):
    with pytest.raises(BadImageError, match=r"it is a DICOM file without an image \(.*(Storage|Directory)"):
        whole((FILES / name).read_bytes())


def test_a_window_follows_the_rescale_and_is_the_files_first_the_given_one_or_full():
    elements = {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": [1000, 0], "WindowWidth": [500, 9]}
    data = dicom(RAMP, bits=12, **elements)
    rescaled = RAMP * 2.0 - 1024

    def linear(centre, width):
        return np.clip((rescaled - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255

    assert np.abs(whole(data) - linear(1000, 500)).max() <= 0.51
    assert np.abs(whole(data, window="40,400") - linear(40, 400)).max() <= 0.51
    assert np.abs(whole(data, window="full") - RAMP / 4095 * 255).max() <= 0.51


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_functions_are_pydicoms(function):
    data = dicom(RAMP, bits=12, WindowCenter=2000, WindowWidth=900, VOILUTFunction=function)
    expected = apply_voi_lut(RAMP, pydicom.dcmread(pydicom.filebase.DicomBytesIO(data))) / 4095 * 255
    assert np.abs(whole(data) - expected).max() <= 0.51


def test_a_voi_lut_comes_before_a_window_and_may_have_8_bit_entries():
    inverse = table(255 - np.arange(4096) // 16, bits=8, as_bytes=True)
    data = dicom(RAMP, bits=12, VOILUTSequence=[inverse], WindowCenter=1, WindowWidth=2)
    np.testing.assert_array_equal(whole(data), 255 - RAMP // 16)


def test_the_functional_groups_of_an_enhanced_file_count():
    rescale, window, frame = (pydicom.Dataset() for _ in range(3))
    rescale.RescaleSlope, rescale.RescaleIntercept = 1, -1000
    window.WindowCenter, window.WindowWidth = 0, 1000
    frame.PixelValueTransformationSequence, frame.FrameVOILUTSequence = [rescale], [window]
    both = np.stack([RAMP, RAMP[:, ::-1]])
    data = dicom(both, bits=12, NumberOfFrames=2, PerFrameFunctionalGroupsSequence=[frame, frame])
    assert np.abs(whole(data) - np.clip((RAMP - 999.5) / 999 + 0.5, 0, 1) * 255).max() <= 0.51
    assert has_more_frames(data)
    assert not has_more_frames(dicom(RAMP))


def test_monochrome1_is_inverted_and_8_bits_without_a_window_stay():
    eight = (RAMP // 32).astype(np.uint8)
    np.testing.assert_array_equal(whole(dicom(eight)), eight)
    np.testing.assert_array_equal(whole(dicom(eight, photometric="MONOCHROME1")), 255 - eight)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_not_in_the_range(photometric):
    values = RAMP.astype(np.int16) - 1000
    values[0] = -2000
    data = dicom(values, photometric=photometric, PixelPaddingValue=-2000)
    found, inside = whole(data), RAMP[1:] / 4095 * 255
    assert (found[0] == 0).all()
    assert np.abs(found[1:] - (inside if photometric == "MONOCHROME2" else 255 - inside)).max() <= 1


def test_signed_values_and_unused_bits_with_an_overlay():
    signed = RAMP.astype(np.int16) - 2048
    assert np.abs(whole(dicom(signed, bits=12)) - RAMP / 4095 * 255).max() <= 1
    with_overlay = RAMP | 0x8000 * (np.arange(16) % 2).astype(np.uint16)
    np.testing.assert_array_equal(whole(dicom(with_overlay, bits=12)), whole(dicom(RAMP, bits=12)))
    np.testing.assert_array_equal(whole(dicom(RAMP << 4, bits=12, HighBit=15)), whole(dicom(RAMP, bits=12)))


def test_colour_of_more_than_8_bits_is_scaled():
    colour = np.dstack([RAMP, RAMP[:, ::-1], RAMP])
    assert np.abs(whole(dicom(colour, bits=12)) - colour / 4095 * 255).max() <= 1


def test_files_are_recognised_without_a_suffix_and_without_a_preamble():
    for data in (dicom(RAMP), dicom(RAMP, preamble=False), b"II*\0" + dicom(RAMP)[4:]):
        assert sniff_format(data[:160]) == "DICOM"
        assert decode(data, (8, 16), 1).max() == 255
    assert sniff_format(b"\x08\0\x05\0 is how some text begins" * 9) is None


def test_limits_hold_before_anything_is_decoded():
    set_max_pixels(100)
    with pytest.raises(BadImageError, match="16×8 pixels, more than the limit of 100"):
        whole(dicom(RAMP))


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "SC_rgb_jpeg_gdcm.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_a_compressed_picture_of_another_size_than_the_header_says_is_not_decoded(name, monkeypatch):
    found = pydicom.dcmread(FILES / name)
    found.Rows = found.Rows // 2
    buffer = pydicom.filebase.DicomBytesIO()
    found.save_as(buffer)
    monkeypatch.setattr("pydicom.pixels.pixel_array", lambda *args, **options: pytest.fail("it was decoded"))
    with pytest.raises(BadImageError, match="it holds a compressed picture of"):
        whole(buffer.getvalue())


def test_a_deflated_bomb_is_refused_before_it_is_inflated_completely(monkeypatch):
    monkeypatch.setattr("hybrid.extractors.images.dicom_header._HEADER_BYTES", 2**20)
    set_max_pixels(1000)
    data = (FILES / "image_dfl.dcm").read_bytes()
    start = 144 + int.from_bytes(data[140:144], "little")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = data[:start] + deflater.compress(bytes(2**26)) + deflater.flush()
    with pytest.raises(BadImageError, match="it inflates to more than the limit of 1,056,576 bytes"):
        whole(bomb)


def test_without_pydicom_the_command_that_installs_it_is_named(monkeypatch):
    data = dicom(RAMP)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hybrid-features\[dicom\]'"):
        whole(data)


@pytest.mark.parametrize("place", [200, 400, 600, 800, -100, -10])
def test_no_error_or_warning_quotes_the_header(place, recwarn):
    data = dicom(RAMP, bits=12, WindowCenter=3, WindowWidth=4)
    damaged = (data[:place] + bytes(30) + data[place:][30:])[:-50]
    with pytest.raises(BadImageError) as error:
        whole(damaged)
    said = [str(error.value), *(str(warning.message) for warning in recwarn)]
    assert not [text for text in said if any(secret in text for secret in (NAME, PATIENT, BIRTH))]
