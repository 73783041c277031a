"""Coverage-guided fuzzing of the parsers that are our own: network descriptions and augmentations.

Needs the package `atheris`, and ends the process when it is done; see `test_fuzz.py`.
"""

import contextlib
import sys

import atheris

with atheris.instrument_imports(
    include=["hybrid.extractors.backbones.description", "hybrid.extractors.images.augment"]
):
    from hybrid.extractors.backbones.description import parse_description
    from hybrid.extractors.images.augment import Augmentation

from hybrid.errors import InputError


def one_input(data: bytes) -> None:
    """Parse text both ways; what is read must be described and read again to the same."""
    text = data.decode(errors="surrogateescape")
    with contextlib.suppress(InputError):
        layers = parse_description(text.split("\n"))
        assert layers[-1].kind == "output"
    with contextlib.suppress(InputError):
        augmentation = Augmentation.parse([text])
        again = Augmentation.parse([f"{name}={strength!r}" for name, strength in augmentation.operations])
        assert again == augmentation
        augmentation.describe()


atheris.Setup(sys.argv, one_input)
atheris.Fuzz()
