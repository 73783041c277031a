"""The identity of an extractor: everything that can change a number in its embeddings, and the fingerprint of that."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

FORMAT = 1


def canonical(value: Any) -> str:
    """Return the canonical JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


@dataclass(frozen=True)
class Identity:
    """The identity of an extractor: extractors with the same identity give the same embeddings.

    Attributes
    ----------
    fields : dict
        JSON values: the digests of the graph and of its weights, the layers, pooling, preprocessing, size,
        channels, interpolation, decode policy, precision and format version.
    output_shape : tuple of int
        Shape of one embedding; ``(width,)`` unless pooling is ``"none"``.
    parameters : int or None
        Number of weights in the cut network; None in older records, which lack it. It is not part of the fingerprint,
        because it follows from the fields.
    multiply_adds : int or None
        Number of multiply-adds for one image, as `hybrid.extractors.graph.multiply_adds` counts them; None if it is not
        known. It is not part of the fingerprint either.
    """

    fields: Mapping[str, Any]
    output_shape: tuple[int, ...]
    parameters: int | None = field(default=None, compare=False)
    multiply_adds: int | None = field(default=None, compare=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the fields, 64 hexadecimal digits."""
        return fingerprint(self.fields)

    @property
    def width(self) -> int:
        """Number of values in one embedding."""
        width = 1
        for length in self.output_shape:
            width *= length
        return width

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the input, in pixels."""
        height, width = self.fields["size"]
        return height, width

    def in_precision(self, precision: str) -> "Identity":
        """Return the identity of the same extractor in another precision."""
        return replace(self, fields={**self.fields, "precision": precision})

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as JSON values; :meth:`from_dict` reads it back."""
        values = {"fields": dict(self.fields), "output_shape": list(self.output_shape)}
        return values | {"parameters": self.parameters, "multiply_adds": self.multiply_adds}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Identity":
        """Return the identity from the values that :meth:`to_dict` returned."""
        numbers = record.get("parameters"), record.get("multiply_adds")
        return cls(dict(record["fields"]), tuple(record["output_shape"]), *numbers)
