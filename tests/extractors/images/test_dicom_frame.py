"""The first frame of DICOM files in every transfer syntax; and what is refused before it is decoded."""

import base64
import contextlib
import struct

import numpy as np
import pydicom
import pytest
from made_dicom import dicom, whole
from pydicom.encaps import encapsulate, encapsulate_extended

from hybrid.extractors.images import BadImageError
from hybrid.extractors.images.formats import has_more_frames

RAMP = np.tile(np.linspace(0, 4095, 16).round().astype(np.uint16), (8, 1))
FULL = RAMP / 4095 * 255
# RAMP, compressed without loss by OpenJPH, by an encoder for lossless JPEG, and by CharLS.
HTJ2K = base64.b64decode(
    "/0//UQApQAAAAAAQAAAACAAAAAAAAAAAAAAAEAAAAAgAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCIkJCQkJCQkJCQkJCQ"
    "iIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAEYAAf+TwAAmP/YFB3QAAMAAEwB+8wOHdADAABMAuvkAwTQAwAATgMoo84KCdADAACrA"
    "IECAAPHmCnICdgD/2Q=="
)
LOSSLESS_JPEG = base64.b64decode(
    "/9j/xAAWAAEBAQAAAAAAAAAAAAAAAAAACQz/wwALDAAIABABABEA/9oACAEAAAYAAM//AERojRGiNEaI0RojRGiNEaI0RojREAAAAAAAAAAAAAAAAAAA"
    "/9k="
)
JPEG_LS = base64.b64decode(
    "/9j/6AAgU1BJRkYAAgAAAQAAAAgAAAAQChAGAQAAASwAAAEs/+gACAAAAAH/2P/3AAsQAAgAEAEBEQD/+AANAf//ABIAQwEUAED/2gAIAQEAAAAAsQ4h"
    "xDh/DqG0MoXQqhNCKD0GoLQTACAEAQBAIBAIBAQEBAQEBAQAgCAgQIECBAgQIECBAgQBAECBAggggggggggggCAQQQQQQQQQQQQQQQCAQQQQQQQQhCEI"
    "QgEAhCEIQhCEIQhCAQCEIQhCEIQhERAA/9k="
)
PREFIX = "1.2.840.10008.1.2"
NATIVE = ("", ".1", ".1.99", ".2")
STREAMS = {
    **{f".4.{number}": HTJ2K for number in (201, 202, 203)},
    ".4.57": LOSSLESS_JPEG,
    ".4.70": LOSSLESS_JPEG,
    ".4.80": JPEG_LS,
    ".4.81": JPEG_LS,
}


def frames(count, stream=LOSSLESS_JPEG, **elements):
    """Return a file of several compressed frames, of which the first one is RAMP."""
    return dicom(np.stack([RAMP] * count), bits=12, NumberOfFrames=count, syntax=f"{PREFIX}.4.70", stream=stream,
                 **elements)  # fmt: skip


@pytest.mark.parametrize("suffix", NATIVE)
@pytest.mark.parametrize("signed", [False, True])
def test_uncompressed_pixels_are_read_in_every_transfer_syntax(suffix, signed):
    values = RAMP.astype(np.int16) - 2048 if signed else RAMP
    assert np.abs(whole(dicom(values, bits=12, syntax=PREFIX + suffix)) - FULL).max() <= 1


@pytest.mark.parametrize("suffix", STREAMS)
def test_compressed_pixels_are_read_in_every_transfer_syntax_that_pydicom_has_no_file_of(suffix):
    assert np.abs(whole(dicom(RAMP, bits=12, syntax=PREFIX + suffix, stream=STREAMS[suffix])) - FULL).max() <= 1


@pytest.mark.parametrize("suffix", [".5", ".4.90", ".4.91"])
@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "rgb"])
def test_what_pydicom_compresses_without_loss_is_read(suffix, kind):
    ramp = np.kron(RAMP, np.ones((4, 4), np.uint16))  # the encoder of JPEG 2000 wants 32 rows
    values = {"u1": (ramp // 16).astype(np.uint8), "u2": ramp, "i2": ramp.astype(np.int16) - 2048}
    values["rgb"] = np.dstack([values["u1"], values["u1"][:, ::-1], values["u1"] // 2])
    found = pydicom.dcmread(pydicom.filebase.DicomBytesIO(dicom(values[kind], bits=12 if kind[1] == "2" else None)))
    found.compress(PREFIX + suffix, **({"j2k_cr": [1]} if suffix == ".4.91" else {}), generate_instance_uid=False)
    buffer = pydicom.filebase.DicomBytesIO()
    found.save_as(buffer)
    expected = ramp / 4095 * 255 if kind[1] == "2" else values[kind]
    assert np.abs(whole(buffer.getvalue()) - expected).max() <= 1


@pytest.mark.parametrize(("suffix", "stream"), [(".4.203", HTJ2K), (".4.81", JPEG_LS)])
def test_what_lossy_compression_makes_of_the_largest_value_does_not_become_black(suffix, stream):
    """10 bits in a picture of 12 whose largest values are above 1023, as compression with loss leaves them."""
    data = dicom(RAMP, bits=10, syntax=PREFIX + suffix, stream=stream, WindowCenter=512, WindowWidth=1024)
    assert np.abs(whole(data) - np.clip(RAMP / 1023, 0, 1) * 255).max() <= 1


@pytest.mark.parametrize("keep", [0.5, 0.9])
@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("suffix", STREAMS)
def test_a_compressed_picture_that_is_cut_off_is_refused_also_if_zeros_follow(suffix, keep, filled):
    stream = STREAMS[suffix][: int(keep * len(STREAMS[suffix])) // 2 * 2]
    stream += bytes(len(STREAMS[suffix]) - len(stream)) * filled
    with pytest.raises(BadImageError, match="truncated"):
        whole(dicom(RAMP, bits=12, syntax=PREFIX + suffix, stream=stream))


def test_the_first_of_several_compressed_frames_is_found_with_and_without_a_table_of_offsets():
    other = LOSSLESS_JPEG[:-2] + b"\xff\xff\xff\xd9"
    pixels, offsets, lengths = encapsulate_extended([LOSSLESS_JPEG + b"\0", other + b"\0"])
    extended = {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    for elements in (
        {"PixelData": encapsulate([LOSSLESS_JPEG, other])},
        {"PixelData": encapsulate([LOSSLESS_JPEG, other], has_bot=False)},
        {"PixelData": encapsulate([LOSSLESS_JPEG, other], fragments_per_frame=2)},
        {"PixelData": pixels, **extended},
    ):
        data = frames(2, **elements)
        assert has_more_frames(data)
        assert np.abs(whole(data) - FULL).max() <= 1


def test_the_size_of_the_frame_that_a_table_of_offsets_leads_to_is_checked(monkeypatch):
    large = LOSSLESS_JPEG.replace(struct.pack(">HH", 8, 16), struct.pack(">HH", 60_000, 60_000))
    pixels, offsets, lengths = encapsulate_extended([LOSSLESS_JPEG + b"\0", large + b"\0"])
    swapped = {"ExtendedOffsetTable": offsets[8:] + offsets[:8], "ExtendedOffsetTableLengths": lengths}
    monkeypatch.setattr("pydicom.pixels.pixel_array", lambda *args, **options: pytest.fail("it was decoded"))
    with pytest.raises(BadImageError, match="it holds a compressed picture of 60000×60000 pixels"):
        whole(frames(2, PixelData=pixels, **swapped))


@pytest.mark.parametrize(
    ("stream", "place"),
    [(HTJ2K, HTJ2K.index(b"\xff\x51") + 38), (LOSSLESS_JPEG, LOSSLESS_JPEG.index(b"\xff\xc3") + 9)],
    ids=["JPEG 2000", "JPEG"],
)
def test_a_compressed_picture_of_more_channels_than_the_header_says_is_not_decoded(stream, place, monkeypatch):
    size = 2 if stream is HTJ2K else 1
    many = stream[:place] + b"\x40\0"[:size] + stream[place + size :]
    monkeypatch.setattr("pydicom.pixels.pixel_array", lambda *args, **options: pytest.fail("it was decoded"))
    with pytest.raises(BadImageError, match=r"compressed picture of 16×8 pixels with (16384|64) channels"):
        whole(dicom(RAMP, bits=12, syntax=f"{PREFIX}.4.{201 if size == 2 else 70}", stream=many))


@pytest.mark.parametrize("name", ["BitsAllocated", "BitsStored", "PixelRepresentation", "SamplesPerPixel"])
def test_a_header_that_lacks_what_pixels_need_is_refused_by_what_is_missing(name):
    with pytest.raises(BadImageError, match=f"whose header lacks {name}"):
        whole(dicom(RAMP, bits=12, **{name: None}))


@pytest.mark.parametrize(("stored", "allocated"), [(0, 16), (17, 16), (12, 12)])
def test_impossible_depths_are_refused(stored, allocated):
    with pytest.raises(BadImageError, match=f"its header states {stored} bits in {allocated}; expected"):
        whole(dicom(RAMP, BitsStored=stored, BitsAllocated=allocated))


@pytest.mark.parametrize(("suffix", "words"), [("100", "MPEG2"), ("79", "an unknown transfer syntax")])
def test_a_transfer_syntax_that_cannot_be_decoded_is_named(suffix, words):
    known = f"{PREFIX}.4.{'101' if len(suffix) == 3 else '70'}"
    data = dicom(RAMP, bits=12, syntax=known, stream=LOSSLESS_JPEG)
    with pytest.raises(BadImageError, match=f"its pixels are in .*{words}.*, which cannot be decoded"):
        whole(data.replace(known.encode(), f"{PREFIX}.4.{suffix}".encode()))


def test_a_missing_decoder_is_not_taken_for_a_damaged_file(monkeypatch):
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.is_available", False)
    with pytest.raises(BadImageError, match=r"whose decoder is missing: pip install 'hybrid-features\[dicom\]'"):
        whole(dicom(RAMP, bits=12, syntax=f"{PREFIX}.4.70", stream=LOSSLESS_JPEG))


def test_files_that_are_cut_off_anywhere_are_refused():
    data = dicom(RAMP, bits=12)
    for length in range(140, len(data), 7):
        with pytest.raises(BadImageError):
            whole(data[:length])


def test_damaged_run_lengths_are_an_ordinary_error():
    """One decoder of RLE ends in an exception that is no `Exception`, and prints a stack."""
    found = pydicom.dcmread(pydicom.filebase.DicomBytesIO(dicom(RAMP, bits=12)))
    found.compress(f"{PREFIX}.5", generate_instance_uid=False)
    buffer = pydicom.filebase.DicomBytesIO()
    found.save_as(buffer)
    data = bytearray(buffer.getvalue())
    data[-60:-10] = b"\x90" * 50
    with contextlib.suppress(BadImageError):
        whole(bytes(data))
