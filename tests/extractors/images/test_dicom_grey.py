"""Grey values of DICOM files in unusual forms: functional groups, lookup tables, padding, floating point."""

import numpy as np
import pydicom
import pytest
from made_dicom import dicom, table, whole
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from hybrid.extractors.images import BadImageError

RAMP = np.tile(np.linspace(0, 4095, 16).round().astype(np.uint16), (8, 1))
FULL = RAMP / 4095 * 255
BIG_ENDIAN = "1.2.840.10008.1.2.2"


def assert_shown(data, expected, **reading):
    assert np.abs(whole(data, **reading) - expected).max() <= 1


def linear(values, centre, width):
    """The function LINEAR of the standard, part 3, C.11.2.1.2."""
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255


def group(**elements):
    """Return the functional groups of a frame: the window and the rescale that are given."""
    window, rescale, made = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    for keyword, value in elements.items():
        setattr(rescale if keyword.startswith("Rescale") else window, keyword, value)
    if len(window):
        made.FrameVOILUTSequence = [window]
    if len(rescale):
        made.PixelValueTransformationSequence = [rescale]
    return made


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.filterwarnings("ignore:overflow encountered in exp")  # in pydicom
def test_grey_values_are_those_of_pydicoms_functions_whatever_the_header_combines(seed):
    rng = np.random.default_rng(seed)
    bits, signed = int(rng.choice([8, 10, 12, 15, 16])), bool(rng.integers(2))
    low = -(2 ** (bits - 1)) * signed
    stored = rng.integers(low, low + 2**bits, (9, 13))
    rubbish = rng.integers(0, 2**16, stored.shape) & (2**16 - 2**bits)
    raw = ((stored & (2**bits - 1)) | rubbish).astype(np.uint16).view(np.int16 if signed else np.uint16)
    elements, values = {}, stored.astype(np.int16 if signed else np.uint16)
    if rng.random() < 0.5:
        elements |= {"RescaleSlope": rng.choice([2, 0.5, -1, 0.000125]), "RescaleIntercept": rng.choice([0, -1024])}
    ends = np.array([low, low + 2**bits - 1]) * elements.get("RescaleSlope", 1) + elements.get("RescaleIntercept", 0)
    if has_window := rng.random() < 0.8:
        function = rng.choice(["LINEAR", "LINEAR_EXACT", "SIGMOID"])
        width = max(round(float(np.ptp(ends)) * rng.choice([0.01, 0.5, 2]), 6), 1 if function == "LINEAR" else 1e-6)
        centre = round(float(rng.choice([ends.mean(), ends[0], 0])), 6)
        elements |= {"WindowCenter": [centre, 7], "WindowWidth": [width, 8], "VOILUTFunction": function}
    photometric = str(rng.choice(["MONOCHROME1", "MONOCHROME2"]))
    data = dicom(raw, bits=bits, photometric=photometric, **elements)
    found = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data))
    expected = apply_modality_lut(values, found)
    if has_window:
        expected = (apply_voi_lut(expected, found) - ends[0]) / (ends[1] - ends[0])
    elif bits == 8 and not signed and "RescaleSlope" not in elements:
        expected = expected / 255
    else:
        expected = (expected - float(expected.min())) / (float(expected.max()) - expected.min())
    assert_shown(data, 255 * (1 - expected if photometric == "MONOCHROME1" else expected))


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"WindowWidth": 1}, np.where(RAMP > 1999.5, 255, 0)),
        ({"WindowWidth": 0}, FULL),
        ({"WindowWidth": -4}, FULL),
        ({"WindowWidth": 0.5}, FULL),
        ({"WindowWidth": 0.5, "VOILUTFunction": "LINEAR_EXACT"}, np.where(RAMP > 2000, 255, 0)),
        ({"WindowWidth": 0, "VOILUTFunction": "SIGMOID"}, FULL),
        ({"WindowWidth": 800, "VOILUTFunction": "of a vendor"}, linear(RAMP, 2000, 800)),
        ({"WindowWidth": ""}, FULL),
        ({"WindowWidth": 800, "WindowCenter": ""}, FULL),
        ({"WindowWidth": [800, 1], "WindowCenter": [2000, 1]}, linear(RAMP, 2000, 800)),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_impossible_windows_are_not_used_and_those_of_width_1_divide_into_black_and_white(elements, expected):
    assert_shown(dicom(RAMP, bits=12, **{"WindowCenter": 2000, **elements}), expected)


def test_an_intercept_without_slope_counts_and_an_impossible_slope_is_refused():
    lowered = dicom(RAMP, bits=12, RescaleIntercept=-1024, WindowCenter=0, WindowWidth=500)
    assert_shown(lowered, linear(RAMP - 1024.0, 0, 500))
    for slope in (0, "1e400", [1, 2]):
        data = dicom(RAMP, bits=12, RescaleSlope=slope, RescaleIntercept=0, WindowCenter=0, WindowWidth=500)
        if slope == [1, 2]:
            assert_shown(data, linear(RAMP, 0, 500))
        else:
            with pytest.raises(BadImageError, match="rescale slope or intercept is no number, or the slope is 0"):
                whole(data)


def test_a_given_window_is_exact_where_values_are_no_whole_numbers():
    standardized = dicom(RAMP, bits=12, RescaleSlope=0.0025, RescaleIntercept=0)
    assert_shown(standardized, np.clip(RAMP * 0.0025 / 8, 0, 1) * 255, window=(4, 8))
    assert_shown(dicom(RAMP // 400), linear(RAMP // 400, 4, 8), window=(4, 8))


def test_the_groups_of_the_first_frame_replace_those_of_all_frames_and_of_the_file():
    both = np.stack([RAMP, RAMP[:, ::-1]])
    frames = [group(WindowCenter=2000, WindowWidth=1000), group(WindowCenter=1, WindowWidth=9)]
    shared = group(RescaleSlope=2, RescaleIntercept=0, WindowCenter=5, WindowWidth=5)
    elements = {
        "NumberOfFrames": 2,
        "PerFrameFunctionalGroupsSequence": frames,
        "SharedFunctionalGroupsSequence": [shared],
    }
    outer = {"VOILUTSequence": [table([0, 65535])], "ModalityLUTSequence": [table([0, 1])]}
    for more in ({}, outer):
        assert_shown(dicom(both, bits=12, **elements, **more), linear(RAMP * 2.0, 2000, 1000))


@pytest.mark.parametrize("syntax", [None, BIG_ENDIAN])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_tables_of_8_and_16_bits_are_read_in_either_order(syntax, as_bytes):
    entries = np.arange(255, -1, -1)
    made = table(entries, bits=8, as_bytes=as_bytes, order=">" if syntax else "<")
    data = dicom((RAMP // 16).astype(np.uint16), bits=12, VOILUTSequence=[made], syntax=syntax)
    np.testing.assert_array_equal(whole(data), 255 - RAMP // 16)


def test_tables_may_begin_below_zero_end_early_and_hold_two_entries_in_a_word():
    signed = RAMP.astype(np.int16) - 2048
    made = table(np.arange(1001) * 4, first=-500, bits=12, signed=True)
    assert_shown(dicom(signed, bits=12, VOILUTSequence=[made]), np.clip(signed + 500.0, 0, 1000) * 4 / 4095 * 255)
    unsigned = table(np.arange(1001) * 4, first=2**16 - 500, bits=12)  # the same, as some write it
    assert_shown(dicom(signed, bits=12, VOILUTSequence=[unsigned]), np.clip(signed + 500.0, 0, 1000) * 4 / 4095 * 255)
    words = table(np.arange(255, -1, -1), bits=8, as_bytes=True)
    words.LUTData, words["LUTData"].VR = np.frombuffer(words.LUTData, "<u2").tolist(), "US"
    np.testing.assert_array_equal(whole(dicom(RAMP // 16, bits=12, VOILUTSequence=[words])), 255 - RAMP // 16)


def test_a_modality_table_comes_before_the_window():
    made = table(np.arange(4096)[::-1], bits=12)
    assert_shown(dicom(RAMP, bits=12, ModalityLUTSequence=[made]), 255 - FULL)
    window = {"WindowCenter": 2000, "WindowWidth": 900}
    assert_shown(dicom(RAMP, bits=12, ModalityLUTSequence=[made], **window), linear(4095.0 - RAMP, 2000, 900))


def test_a_table_that_is_cut_off_is_refused():
    made = table(np.arange(4096), bits=12)
    made.LUTData = made.LUTData[:5000]
    with pytest.raises(BadImageError, match="its lookup table is damaged"):
        whole(dicom(RAMP, bits=12, VOILUTSequence=[made]))


@pytest.mark.parametrize(("first", "last"), [(4095, None), (3822, 4095), (4095, 3822), (4095 + 0xA000, None)], ids=str)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_values_are_black_and_outside_the_range_also_with_unused_bits(first, last, photometric):
    data = dicom(RAMP, bits=12, photometric=photometric, PixelPaddingValue=first, PixelPaddingRangeLimit=last or first)
    padding = np.greater_equal(RAMP, 3822 if last else 4095)
    inside = RAMP / RAMP[~padding].max() * 255
    assert_shown(data, np.where(padding, 0, inside if photometric == "MONOCHROME2" else 255 - inside))


def test_an_image_of_padding_alone_is_black():
    assert whole(dicom(np.full((8, 16), 77, np.uint16), PixelPaddingValue=77)).max() == 0


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_pixels_of_floating_point_may_have_padding_and_no_number(kind):
    values = RAMP.astype(kind) / 1000 - 1
    keyword = ("Double" if kind is np.float64 else "") + "FloatPixelPadding"
    values[0, :3] = np.nan, np.inf, -np.inf
    values[1, :2] = -900, -950
    data = dicom(values, **{f"{keyword}Value": -1000.0, f"{keyword}RangeLimit": -899.0})
    padding = ~np.isfinite(values) | (values < -800)
    assert_shown(data, np.where(padding, 0, FULL))
    assert_shown(data, np.where(padding, 0, np.clip(np.nan_to_num(values), 0, 1) * 255), window=(0.5, 1))


@pytest.mark.parametrize("bits", [1, 4, 8, 20, 32])
def test_pixels_of_any_depth_are_shown_from_black_to_white(bits):
    values = np.round(RAMP / 4095 * (2**bits - 1)).astype(np.uint8 if bits <= 8 else np.uint32)
    assert_shown(dicom(values, bits=bits), values / (2**bits - 1) * 255)
