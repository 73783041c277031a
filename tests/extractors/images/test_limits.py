"""Limits on untrusted image files: only regular files, and no more pixels than allowed."""

import io
import os
import socket
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from hybrid.errors import InputError
from hybrid.extractors.images.decoding import BadImageError, decode, read_bytes
from hybrid.extractors.images.formats import has_more_frames
from hybrid.extractors.images.limits import MAX_PIXELS, max_pixels, set_max_pixels
from hybrid.extractors.store.identity import Identity

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices in folders are POSIX's")


def encoded(size, kind="PNG"):
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return buffer.getvalue()


def png_that_says(width, height):
    """A PNG of a few bytes whose header alone says that it is large."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    framed = (struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_an_image_above_the_limit_is_refused_and_one_at_the_limit_is_read(kind):
    data = encoded((30, 20), kind)
    set_max_pixels(600)
    assert decode(data, (4, 4), 3).shape == (4, 4, 3)
    set_max_pixels(599)
    with pytest.raises(BadImageError, match=r"Image 'x' .* 30×20 pixels, more than the limit of 599; .*--max-pixels"):
        decode(data, (4, 4), 3, name="x")


def test_a_bomb_is_refused_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr(PngImageFile, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(BadImageError, match="50000×50000 pixels, more than the limit of 100,000,000"):
        decode(png_that_says(50_000, 50_000), (4, 4), 3)
    assert not has_more_frames(png_that_says(50_000, 50_000))


def test_a_raised_limit_overrides_pillows_own(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(encoded((30, 20)), (4, 4), 3).shape == (4, 4, 3)


def test_the_limit_is_not_part_of_an_embeddings_identity(tiny_network):
    from hybrid.extractors import Extractor

    def identity() -> Identity:
        return Extractor(str(tiny_network)).resolve()

    before = identity().fingerprint
    set_max_pixels(500)
    assert identity().fingerprint == before


def test_a_command_takes_the_limit(hybrid, image_folder, tiny_network):
    what = ("extract", image_folder, "--backbone", tiny_network)
    assert "has 40×40 pixels, more than the limit of 1,599" in hybrid(*what, "--max-pixels", 1599, code=1)
    assert "60" in hybrid(*what, "--max-pixels", 1600)
    assert max_pixels() == 1600


@pytest.mark.parametrize("given", [0, -5, "many", 1.5])
def test_an_invalid_limit_is_refused(given):
    with pytest.raises(InputError, match="expected a whole number"):
        set_max_pixels(given)


def test_the_limit_may_be_set_by_the_environment_and_set_back(monkeypatch):
    monkeypatch.setenv("HYBRID_MAX_PIXELS", "7")
    assert max_pixels() == 7
    set_max_pixels()
    assert max_pixels() == MAX_PIXELS


def test_a_file_too_large_for_an_image_within_the_limit_is_not_read(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(2**26 + 8 * 100 + 1)
    set_max_pixels(100)
    with pytest.raises(BadImageError, match=r"huge.png' cannot be read: it has 67,109,665 bytes"):
        read_bytes(str(path))


@posix
def test_pipes_sockets_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    held = socket.socket(socket.AF_UNIX)
    held.bind(os.path.relpath(tmp_path / "socket.png"))
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name in ("pipe", "socket", "zero"):
        with pytest.raises(BadImageError, match=f"{name}.png' cannot be read"):
            read_bytes(str(tmp_path / f"{name}.png"))
    held.close()


def test_16_bits_are_scaled_within_32_bits():
    deep = np.array([[0, 1, 128, 129, 32768, 65534, 65535]], np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(deep).save(buffer, "PNG")
    np.testing.assert_array_equal(decode(buffer.getvalue(), (1, 7), 1).ravel(), [0, 0, 0, 1, 128, 255, 255])
