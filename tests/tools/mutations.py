"""Mutations for fuzzing: bytes, JSON values, arrays and text, changed a little; the same seed, the same change."""

import copy
import io
import json
import struct
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np

_NUMBERS = (0, 1, -1, 2, 7, 8, 9, 127, 128, 255, 256, 32767, 65535, 65536, 2**24, 2**31 - 1, 2**32 - 1, 2**63 - 1)
_PATTERNS = (*(number.to_bytes(8, "little", signed=True) for number in _NUMBERS), struct.pack("<d", float("nan")),
             struct.pack("<d", -1e300), struct.pack("<ff", float("inf"), -1.0))  # fmt: skip
_SHAPES = ((0,), (1,), (3,), (2, 3), (7, 8), (1000,), (0, 5), (1, 1, 1))
_KINDS = (np.int64, np.int32, np.float32, np.float64, np.uint8, bool, complex, "U3", "S2")
_SCALARS = (None, True, False, 0, 1, -1, 2, 10**6, 2**31, 2**63, 10**30, 0.5, -1.5, 1e308, "", "a", "../x",
            "/etc/passwd", "\0", "é\ud800", "x" * 5000, [], {}, [[]], [0] * 100)  # fmt: skip
_TOKENS = ("=", "[", "]", "[[", "{", "}", ",", ";", '"', "'", "\n", "\r", "\0", "\t", "#", ".", "-", "1e999", "nan",
           "true", "false", "-1", "0", "99999999999999999999", "0.5", "../../x.png", "/dev/zero", "é", "\u202e",
           "\ufeff", " ", "x" * 3000, "(", "(?P<a", "*", "a" * 40 + "!",
           "[" * 3000, "{a=" * 2000, "9" * 5000)  # fmt: skip


def mutate_bytes(rng: Random, data: bytes, other: bytes = b"") -> bytes:
    """Return data with one to four changes: bits, fields, pieces left out, doubled or taken from other data."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(min(len(made), rng.choice((32, 256, 10**9))) or 1)
        span = rng.choice((1, 2, 4, 16, 200))
        match rng.randrange(7):
            case 0:
                for _ in range(rng.choice((1, 3, 20))):
                    made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
            case 1:
                made[place : place + span] = rng.randbytes(span)
            case 2:
                size, order = rng.choice((1, 2, 4)), rng.choice(("little", "big"))
                made[place : place + size] = (rng.choice(_NUMBERS) % 256**size).to_bytes(size, order)
            case 3:
                del made[place : place + span]
            case 4:
                made[place:place] = made[place : place + span] * rng.choice((1, 5))
            case 5:
                start = rng.randrange(len(other) or 1)
                made[place : place + span] = other[start : start + span]
            case 6:
                del made[max(1, place) :]
        made = made or bytearray(b"\0")
    return bytes(made)


def seal_png(data: bytes) -> bytes:
    """Return a PNG whose chunks have checksums that fit, so that what is in them is looked at."""
    made, place = bytearray(data), 8
    while place + 12 <= len(made):
        (length,) = struct.unpack(">I", made[place : place + 4])
        end = place + 8 + length
        if end + 4 > len(made):
            break
        made[end : end + 4] = struct.pack(">I", zlib.crc32(made[place + 4 : end]))
        place = end + 4
    return bytes(made)


def mutate_json(rng: Random, value: Any) -> Any:
    """Return a JSON value with one to three changes: scalars, keys, parts left out, doubled or put elsewhere."""
    made = {"": copy.deepcopy(value)}
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(made))
        holder, key = rng.choice(places)
        match rng.randrange(6):
            case 0:
                holder[key] = copy.deepcopy(rng.choice(_SCALARS))
            case 1 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                larger = holder[key] * 1000 if abs(holder[key]) < 1e300 else 0  # JSON has no infinity
                holder[key] = rng.choice((holder[key] + 1, holder[key] - 1, -holder[key], larger, 0.1))
            case 1 if isinstance(holder[key], str):
                holder[key] = json.dumps(rng.choice(_SCALARS))
            case 1 | 2:
                there, name = rng.choice(places)
                holder[key] = copy.deepcopy(there[name])
            case 3 if isinstance(holder, dict) and holder is not made:
                del holder[key]
            case 3 | 4 if isinstance(holder, list):
                holder[key:key] = [copy.deepcopy(holder[key])] * rng.choice((1, 40))
            case _:
                same = [holder for holder, _ in places if isinstance(holder, dict)]
                rng.choice(same)[rng.choice(("", "a", "size", "shape", "type", "content"))] = rng.choice(_SCALARS)
        if "" not in made:
            break
    return made.get("")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def mutate_array(rng: Random, array: np.ndarray) -> np.ndarray:
    """Return an array of any kind with other values, another shape or another type; it is whole all the same."""
    made = np.array(array, order="C")
    match rng.randrange(7):
        case 0 | 1 | 2 if made.size and made.dtype.itemsize:
            raw = made.reshape(-1).view(np.uint8)
            for _ in range(rng.choice((1, 2, 10))):
                width = rng.choice((4, 8))
                place = rng.randrange(-(-len(raw) // width)) * width
                new = np.frombuffer(rng.choice(_PATTERNS)[:width], np.uint8)[: len(raw) - place]
                raw[place : place + len(new)] = new
        case 3 if made.ndim:
            made = made[: rng.randrange(len(made) + 1)]
        case 4:
            made = made.reshape(-1) if rng.random() < 0.5 else made[None]
        case 5 if made.size:
            made = np.resize(made, rng.choice(_SHAPES))
        case _:
            made = np.zeros(made.shape, rng.choice(_KINDS))
    return made


def array_bytes(array: np.ndarray) -> bytes:
    """Return an array as a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def mutate_text(rng: Random, text: str) -> bytes:
    """Return text with one to four changes of words, lines and marks; now and then it is no text at all."""
    if rng.random() < 0.1:
        return mutate_bytes(rng, text.encode())
    for _ in range(rng.choice((1, 1, 2, 4))):
        lines = text.split("\n")
        row, place = rng.randrange(len(lines)), rng.randrange(len(text) + 1)
        match rng.randrange(6):
            case 0:
                text = text[:place] + rng.choice(_TOKENS) + text[place:]
            case 1:
                text = text[:place] + text[place + rng.choice((1, 2, 10)) :]
            case 2:
                lines[row:row] = [rng.choice(lines)] * rng.choice((1, 1, 30))
                text = "\n".join(lines)
            case 3:
                del lines[row]
                text = "\n".join(lines)
            case 4:
                words = lines[row].split(" ")
                words[rng.randrange(len(words))] = rng.choice((*_TOKENS, *rng.choice(lines).split(" ")))
                lines[row] = " ".join(words)
                text = "\n".join(lines)
            case _:
                mark = rng.choice(("=", '"', ",", "1", "a", "\n"))
                text = text.replace(mark, rng.choice(_TOKENS), rng.choice((1, -1)))
        text = text[:200_000]
    return text.encode(errors="surrogatepass")
