"""Write the table of the layers of all pretrained backbones: `python tests/tools/layer_table.py`."""

import gzip
import inspect
import json
from collections.abc import Iterator
from importlib.metadata import version
from unittest.mock import patch

from hybrid.extractors.backbones.layer_table import NOT_OPTIONS, TABLE
from hybrid.extractors.backbones.table import BACKBONES, parse_backbone
from hybrid.extractors.runtimes.keras_import import import_keras

LEAST = 32  # of MobileNetV3, which checks it itself
VARIANTS = [  # of which Keras has ImageNet weights
    *(f"mobilenet:alpha={alpha}" for alpha in (0.25, 0.5, 0.75)),
    *(f"mobilenet_v2:alpha={alpha}" for alpha in (0.35, 0.5, 0.75, 1.3, 1.4)),
    *(f"mobilenet_v3_{size}:{option}" for size in ("large", "small") for option in ("alpha=0.75", "minimalistic=True")),
]
NAMES = [*(name for name, row in BACKBONES.items() if row.kind == "pretrained"), *VARIANTS]


def layers_of(name: str) -> dict:
    """Return the row of the table for a pretrained backbone, with options if they are given, from Keras."""
    import_keras()
    import keras
    from keras.src.applications import imagenet_utils

    from hybrid.extractors.backbones.load import symbolic
    from hybrid.extractors.graph.cutting import penultimate
    from hybrid.extractors.graph.tensors import has_graph, operations_of

    def rows(network: keras.Model, prefix: str = "") -> Iterator[list]:
        for operation in operations_of(network):
            weights = [] if prefix else getattr(operation, "weights", [])  # those inside belong to the outer model
            shape, weight_shapes = list(operation.output.shape[1:]), [list(weight.shape) for weight in weights]
            yield [prefix + operation.name, type(operation).__name__, shape, weight_shapes]
            if has_graph(operation):
                yield from rows(operation, f"{prefix}{operation.name}/")

    spec = parse_backbone(name)
    assert spec.row is not None
    assert spec.name == name
    shapes = imagenet_utils.obtain_input_shape  # each network tells this function the least side of its images
    with patch.object(imagenet_utils, "obtain_input_shape", wraps=shapes) as checked:
        base, whole = (symbolic(spec, None, include_top=top) for top in (False, True))
    in_whole, in_base = ({layer[0]: layer for layer in rows(network)} for network in (whole, base))
    parameters = inspect.signature(getattr(keras.applications, spec.row.constructor)).parameters
    return {
        "default": penultimate(base),
        "least": checked.call_args.kwargs["min_size"] if checked.called else LEAST,
        "options": sorted(parameters.keys() - NOT_OPTIONS),
        "layers": list((in_whole | in_base).values()),
        "only_whole": [name for name in in_whole if name not in in_base],
        "only_base": [name for name in in_base if name not in in_whole],
    }


def write_table() -> None:
    """Write the table of all pretrained backbones for the installed version of Keras."""
    rows = {name: layers_of(name) for name in NAMES}
    text = json.dumps({"keras": version("keras"), "backbones": rows}, separators=(",", ":"))
    TABLE.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    write_table()
