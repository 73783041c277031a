"""Check a network, its layers and its weights as far as possible without Keras, whose import takes seconds."""

from collections.abc import Sequence
from pathlib import Path

from hybrid.extractors.backbones.layer_table import check_layers, check_least_size, check_options
from hybrid.extractors.backbones.parameters import resolve_size, resolve_weights
from hybrid.extractors.backbones.table import parse_backbone


def check_network(
    backbone: str | Path, weights: str | Path, size: int | tuple[int, int] | None, layers: Sequence[str]
) -> None:
    """Check a network, its size, its layers and its weights. The parameters are those of an extractor.

    Raises
    ------
    InputError
        If the network has no such option or layer or does not take images of this size, or if the file of the
        network or of its weights does not exist, is damaged, or is of another kind.
    """
    spec = parse_backbone(backbone)
    source = resolve_weights(weights, spec)
    check_options(spec)
    check_least_size(spec, resolve_size(size))
    if spec.path is not None:
        from hybrid.extractors.backbones.untrusted import check_keras_file

        check_keras_file(spec.path)
    elif source not in ("imagenet", "random"):
        from hybrid.extractors.backbones.weights_file import check_weights_file
        from hybrid.extractors.backbones.weights_fit import check_weights_fit

        check_weights_file(Path(source))
        check_weights_fit(spec, Path(source))
    check_layers(spec, layers)
