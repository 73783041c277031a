"""A zoo of files that turn up among images, each with the one verdict that it must get.

A verdict is ``READ``, ``OTHER`` (not taken for an image), ``JUNK``, ``OUTSIDE`` (a link out of the dataset), or else
words of the reason for which the image is refused by name.
"""

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from made_dicom import dicom, palette
from PIL import Image, ImageCms, PngImagePlugin

READ, OTHER, JUNK, OUTSIDE = "read", "other", "junk", "outside"
CUTS = (2, 10, 100, 0.1, 0.25, 0.5, 0.75, 0.9, -100, -12)

PIXELS = np.random.default_rng(7).integers(0, 256, (40, 60, 3), np.uint8)


@dataclass(frozen=True)
class Beast:
    """A file of the zoo.

    Attributes
    ----------
    name : str
        Its name, as `os.fsdecode` gives it.
    verdict : str
    make : callable
        Makes it at a path.
    """

    name: str
    verdict: str
    make: Callable[[Path], object]

    @property
    def refused(self) -> bool:
        """Whether it is taken for an image, and cannot be read."""
        return self.verdict not in (READ, OTHER, JUNK, OUTSIDE)


def zoo(outside: Path) -> list[Beast]:
    """Return all beasts; those that are links lead to things in `outside`, which holds an image and a folder of one."""
    return [*_plain(), *_kinds(), *_dicom(), *_names(), *_broken(), *_bombs(), *_others(), *_links(outside)]


# --- encoded by hand


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return an image as Pillow writes it."""
    buffer = io.BytesIO()
    image.copy().save(buffer, kind, **options)  # a copy: saving leaves settings in an image
    return buffer.getvalue()


def png(
    width: int, height: int, *chunks: tuple[bytes, bytes], depth: int = 8, colour: int = 2, data: bytes = b""
) -> bytes:
    """Return a PNG with that header, whatever else is in it."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    framed = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def webp(width: int, height: int) -> bytes:
    """Return a WebP that says that size and holds nothing."""
    bits = (width - 1) | ((height - 1) << 14) | (1 << 28)
    body = b"\x2f" + struct.pack("<I", bits) + bytes(51)
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def tiff(width: int, height: int, *, offset: int = 8, loop: bool = False) -> bytes:
    """Return a grey TIFF that says that size; its directory may lie elsewhere, or be its own successor."""
    tags = ((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 4), (277, 1), (278, height), (279, 4))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 8 if loop else 0)
    return b"II*\0" + struct.pack("<I", offset) + directory


def patched(data: bytes, place: int, new: bytes) -> bytes:
    """Return the data with other bytes in one place."""
    return data[:place] + new + data[place + len(new) :]


def rgb(kind: str, **options: object) -> bytes:
    """Return the zoo's picture in a format."""
    return encoded(Image.fromarray(PIXELS), kind, **options)


def _put(name: str, verdict: str, data: bytes) -> Beast:
    return Beast(name, verdict, lambda path: path.write_bytes(data))


# --- what is read


def _plain() -> list[Beast]:
    kinds = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "webp": "WEBP", "ppm": "PPM"}
    return [_put(f"plain.{suffix}", READ, rgb(kind)) for suffix, kind in kinds.items()]


def _kinds() -> list[Beast]:
    colour, grey = Image.fromarray(PIXELS), Image.fromarray(PIXELS[..., 0])
    deep = Image.fromarray(np.arange(2400, dtype=np.uint16).reshape(40, 60) * 27)
    bits, palette = Image.fromarray(PIXELS[..., 0] > 127), colour.quantize(16)
    alpha = Image.fromarray(np.dstack([PIXELS, PIXELS[..., 0]]))
    turned = Image.Exif()
    turned[0x0112] = 6
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a remark", zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = {
        "cmyk.jpg": encoded(colour.convert("CMYK"), "JPEG"),
        "cmyk.tif": encoded(colour.convert("CMYK"), "TIFF"),
        "progressive.jpg": rgb("JPEG", progressive=True),
        "camera.jpg": encoded(colour, "MPO", **_frames()),
        "rotated.jpg": rgb("JPEG", exif=turned),
        "odd_exif.jpg": rgb("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"),
        "profile.jpg": rgb("JPEG", icc_profile=profile),
        "junk_profile.jpg": rgb("JPEG", icc_profile=bytes(range(256)) * 9),
        "junk_profile.png": rgb("PNG", icc_profile=b"no profile at all"),
        "text.png": rgb("PNG", pnginfo=text),
        "after_the_end.png": rgb("PNG") + b"<?php system('rm -rf /'); ?>" * 99,
        "after_the_end.jpg": rgb("JPEG") + rgb("PNG"),
        "16_bit.png": encoded(deep, "PNG"),
        "16_bit.tif": encoded(deep, "TIFF"),
        "16_bit_colour.png": png(2, 1, depth=16, data=b"\0" + bytes(range(12))),
        "1_bit.png": encoded(bits, "PNG"),
        "1_bit.bmp": encoded(bits, "BMP"),
        "fax.tif": encoded(bits, "TIFF", compression="group4"),
        "grey_alpha.png": encoded(alpha.convert("LA"), "PNG"),
        "palette_alpha.png": encoded(palette, "PNG", transparency=bytes(range(16))),
        "palette_alpha.gif": encoded(palette, "GIF", transparency=3),
        "interlaced.gif": encoded(palette, "GIF", interlace=1),
        "animated.gif": encoded(colour, "GIF", **_frames()),
        "animated.png": encoded(colour, "PNG", **_frames()),
        "animated.webp": encoded(colour, "WEBP", **_frames()),
        "pages.tif": encoded(colour, "TIFF", **_frames()),
        "lzw.tif": rgb("TIFF", compression="tiff_lzw"),
        "deflate.tif": rgb("TIFF", compression="tiff_adobe_deflate"),
        "jpeg_inside.tif": rgb("TIFF", compression="jpeg"),
        "big_endian.tif": encoded(Image.frombytes("I;16B", (60, 40), bytes(4800)), "TIFF"),
        "own_successor.tif": tiff(2, 2, loop=True),
        "lossless_alpha.webp": encoded(alpha, "WEBP", lossless=True),
        "plain_text.pgm": b"P2 2 1 9\n0 9\n",
        "1x1.png": encoded(Image.new("RGB", (1, 1)), "PNG"),
        "20000x1.png": encoded(Image.new("L", (20_000, 1)), "PNG"),
        "1x20000.jpg": encoded(grey.resize((1, 20_000)), "JPEG"),
        "png_called.jpg": rgb("PNG"),
        "no_suffix": rgb("JPEG"),
        "SHOUTED.JPG": rgb("JPEG"),
    }
    return [_put(name, READ, data) for name, data in made.items()]


def _frames() -> dict[str, object]:
    return {"save_all": True, "append_images": [Image.new("RGB", (60, 40), "lime")]}


def _names() -> list[Beast]:
    names = (
        "new\nline.png",
        "'single' and \"double\".png",
        "\u202egnp.right_to_left.png",
        "-rf *.png",
        "%s{0}$HOME;`id`.png",
        "\x1b[31mred\x07.png",
        "\N{SNOWMAN} \N{CAT FACE}.png",
        "e\N{COMBINING ACUTE ACCENT}.png",
        "n" * 251 + ".png",
        os.fsdecode(b"not \xff\xfe utf-8.png"),
    )
    return [_put(name, READ, rgb("PNG")) for name in names]


def _dicom() -> list[Beast]:
    grey, deep = PIXELS[..., 0], PIXELS[..., 0].astype(np.uint16) * 16
    enhanced = np.stack([deep, deep[::-1]])
    steps = np.arange(256) * 257
    made = {
        "plain.dcm": dicom(deep, bits=12, WindowCenter=2000, WindowWidth=900),
        "IM000001": dicom(deep, bits=12),
        "no_preamble": dicom(grey, preamble=False),
        "tiff_preamble.dcm": b"II*\0" + dicom(grey)[4:],
        "signed.dcm": dicom(deep.astype(np.int16) - 2048, bits=12, PixelPaddingValue=-2048, RescaleSlope=0.5),
        "white_is_zero.dcm": dicom(grey, photometric="MONOCHROME1"),
        "floating_point.dcm": dicom(grey / np.float32(255)),
        "colour.dcm": dicom(PIXELS),
        "ybr.dcm": dicom(PIXELS, photometric="YBR_FULL"),
        "palette.dcm": dicom(grey, photometric="PALETTE COLOR", **palette(steps, steps[::-1], steps)),
        "big_endian.dcm": dicom(deep, syntax="1.2.840.10008.1.2.2"),
        "deflated.dcm": dicom(deep, syntax="1.2.840.10008.1.2.1.99"),
        "jpeg_inside.dcm": dicom(PIXELS, photometric="YBR_FULL", syntax="1.2.840.10008.1.2.4.50", stream=rgb("JPEG")),
        "frames.dcm": dicom(enhanced, bits=12, NumberOfFrames=2),
        "dicom_called.jpg": dicom(grey),
        "jpeg_called.dcm": rgb("JPEG"),
    }
    return [_put(name, READ, data) for name, data in made.items()]


# --- what is refused, and why


def _broken() -> list[Beast]:
    jpeg, flipped = rgb("JPEG"), bytearray(rgb("PNG"))
    for place in range(60, len(flipped) - 20, 500):
        flipped[place] ^= 16
    floats = Image.fromarray(np.ones((4, 4), np.float32))
    wide = Image.fromarray(np.full((4, 4), 70_000, np.int32))
    grey = dicom(PIXELS[..., 0])
    no_format, none = "not an image of a supported format", "but is damaged or truncated"
    made = {
        "empty.jpg": ("the file is empty", b""),
        "text.jpg": (no_format, b"holiday photo, to be scanned\n"),
        "page.html.jpg": (no_format, b"<!DOCTYPE html><html><body>404</body></html>"),
        "drawing.svg.png": (no_format, b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        "paper.pdf.png": (no_format, b"%PDF-1.7\n"),
        "phone.heic.jpg": (no_format, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        "layers.psd.png": (no_format, b"8BPS\0\1" + bytes(20)),
        "icon.ico.png": (no_format, b"\0\0\1\0\1\0"),
        "pickle.png": (no_format, b"\x80\x04\x95\x0c\0\0\0\0\0\0\0\x8c\x08builtins"),
        "flipped.png": ("", bytes(flipped)),
        "header_only.png": ("", png(60, 40)[:33]),
        "signature_only.png": (none, b"\x89PNG\r\n\x1a\n"),
        "no_width.png": ("", png(0, 40)),
        "no_data.png": ("", png(60, 40)),
        "bad_checksum.png": ("", patched(rgb("PNG"), 29, b"\0\0\0\0")),
        "half.gif": ("", rgb("GIF")[:1000]),
        "half.bmp": ("", rgb("BMP")[:1000]),
        "half.tif": ("", rgb("TIFF")[:1000]),
        "half.webp": ("", rgb("WEBP")[:500]),
        "half.ppm": ("", rgb("PPM")[:1000]),
        "negative.bmp": ("", patched(rgb("BMP"), 18, struct.pack("<i", -60))),
        "directory_outside.tif": (none, tiff(2, 2, offset=2**31)),
        "strip_outside.tif": ("", tiff(500, 500)),
        "floating_point.tif": ("floating-point", encoded(floats, "TIFF")),
        "32_bit.tif": ("32-bit", encoded(wide, "TIFF")),
        "letters.ppm": ("", b"P6 many rows 255\n" + bytes(99)),
        "half.dcm": ("truncated", grey[: len(grey) // 2]),
        "header_only.dcm": ("without an image", grey[:132]),
        "report.dcm": ("without an image", dicom(PIXELS[..., 0], PixelData=None)),
        "colours_of_a_tv.dcm": ("unknown kind of colours", dicom(PIXELS, photometric="YBR_PARTIAL_422")),
        "cut_off_inside.dcm": (
            "no end marker",
            dicom(PIXELS, photometric="YBR_FULL", syntax="1.2.840.10008.1.2.4.50", stream=jpeg[: len(jpeg) // 2]),
        ),
        "csv.dcm": (no_format, b"path,label\n" * 40),
    }
    cuts = {f"cut_{cut}.jpg": ("", jpeg[: int(cut * len(jpeg)) if isinstance(cut, float) else cut]) for cut in CUTS}
    return [_put(name, words or "cannot be decoded", data) for name, (words, data) in (made | cuts).items()]


def _bombs() -> list[Beast]:
    many, text = "pixels, more than the limit of 100,000,000", zlib.compress(bytes(2**26), 9)
    jpeg = rgb("JPEG")
    frame = jpeg.index(b"\xff\xc0") + 5
    made = {
        "bomb.png": (many, png(50_000, 50_000)),
        "bomb.jpg": (many, patched(jpeg, frame, struct.pack(">HH", 65_500, 65_500))),
        "bomb.gif": (many, patched(rgb("GIF"), 6, struct.pack("<HH", 65_535, 65_535))),
        "bomb.bmp": (many, patched(rgb("BMP"), 18, struct.pack("<ii", 60_000, 60_000))),
        "bomb.tif": (many, tiff(60_000, 60_000)),
        "bomb.webp": (many, webp(12_000, 12_000)),
        "largest.webp": ("exceeds limit", webp(16_383, 16_383)),
        "bomb.ppm": (many, b"P6 50000 50000 255\n"),
        "bomb.dcm": (many, dicom(PIXELS[..., 0], Rows=60_000, Columns=60_000)),
        "bomb_inside.dcm": (
            "compressed picture of 65500×65500 pixels",
            dicom(
                PIXELS,
                photometric="YBR_FULL",
                syntax="1.2.840.10008.1.2.4.50",
                stream=patched(jpeg, frame, struct.pack(">HH", 65_500, 65_500)),
            ),
        ),
        "2_billion_wide.png": (many, png(2**31 - 1, 1)),
        "text_bomb.png": ("too large", png(1, 1, (b"zTXt", b"comment\0\0" + text), data=bytes(4))),
        "profile_bomb.png": ("too large", png(1, 1, (b"iCCP", b"profile\0\0" + text), data=bytes(4))),
    }
    return [_put(name, words, data) for name, (words, data) in made.items()]


# --- what is no image


def _others() -> list[Beast]:
    beasts = [
        _put("notes.txt", OTHER, b"nothing to see"),
        _put("labels.csv", OTHER, b"path,label\n"),
        _put("empty", OTHER, b""),
        _put("DICOMDIR", OTHER, bytes(128) + b"DICM"),
        _put(".hidden.png", JUNK, rgb("PNG")),
        _put("._resource.jpg", JUNK, b"\0\5\x16\7"),
        _put("Thumbs.db", JUNK, b"\xd0\xcf\x11\xe0"),
        Beast("pipe.png", OTHER, os.mkfifo),
        Beast("socket.png", OTHER, _listen),
    ]
    return [*beasts, Beast("folder.jpg/inner.png", READ, lambda path: _in_folder(path, rgb("PNG")))]


def _listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(os.path.relpath(path))  # an absolute path may be too long for one


def _in_folder(path: Path, data: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(data)


# --- links


def _links(outside: Path) -> list[Beast]:
    def link(name: str, verdict: str, target: object) -> Beast:
        return Beast(name, verdict, lambda path: path.symlink_to(str(target)))

    return [
        link("link_inside.png", READ, "plain.png"),
        link("link_broken.png", "No such file", "nowhere.png"),
        link("link_round.png", "symbolic links", "link_round.png"),
        link("link_to_pipe.png", "not a regular file", "pipe.png"),
        link("link_out.png", OUTSIDE, outside / "image.png"),
        link("link_up.png", OUTSIDE, "../../outside/image.png"),
        link("link_to_passwd.png", OUTSIDE, "/etc/passwd"),
        link("link_to_zero.png", OUTSIDE, "/dev/zero"),
        link("link_to_nowhere.png", OUTSIDE, "/nowhere/at/all.png"),
        link("link_to_folder", OUTSIDE, outside),
        link("link_to_root", OUTSIDE, "/"),
        link("link_to_notes.txt", OUTSIDE, "/etc/hostname"),
    ]
