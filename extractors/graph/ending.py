"""How a network ends, and the layer whose output is its embedding by default.

The probabilities or logits of a classifier are not an embedding, so a classifier is cut before its classification
layer. A network that ends in an embedding, as in metric learning, is not cut.
"""

import math
from dataclasses import dataclass

import keras
from keras import layers

from hybrid.extractors.graph.tensors import Place

# Names of layers, operations and activations, in lower case and without underscores.
_PROBABILITIES = frozenset({"softmax", "logsoftmax", "sparsemax", "sigmoid", "logsigmoid", "hardsigmoid"})
# After a linear dense layer, these leave logits what they are: they change their shape, type or scale. Anything else,
# such as a nonlinearity, a normalization or dropout, follows an embedding.
_KEEP_LOGITS = frozenset(
    {
        *("inputlayer", "identity", "linear", "cast", "activityregularization", "stopgradient"),
        *("flatten", "reshape", "squeeze", "expanddims", "permute", "transpose", "getitem"),
        *("rescaling", "add", "subtract", "multiply", "divide", "truedivide", "negative"),
        *("mean", "max", "averagepooling1d", "averagepooling2d", "maxpooling1d", "maxpooling2d"),
        *("globalaveragepooling1d", "globalaveragepooling2d", "globalmaxpooling1d", "globalmaxpooling2d"),
    }
)
_ELEMENTWISE = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization, layers.PReLU)


@dataclass(frozen=True)
class Ending:
    """The layer whose output is a network's embedding by default.

    Attributes
    ----------
    layer : str
        The full path of the layer.
    doubt : str
        A sentence that says how the network was understood where that is not clear; "" where it is.
    """

    layer: str
    doubt: str = ""


def ending_of(network: keras.Model) -> Ending:
    """Return the layer before a network's classification layer, ignoring dropout layers in between.

    For a network that does not end in a classifier (``include_top=False``, or an embedding), it is the output layer.

    Parameters
    ----------
    network : keras.Model
        A functional or a built sequential model with one output.
    """
    output = Place(network.outputs[0], (), network).innermost()
    classifiers, are_probabilities = _classifiers(output)
    if not classifiers:
        return Ending(output.path)
    cuts = list(dict.fromkeys(_before(classifier).path for classifier in classifiers))
    if len(cuts) > 1:
        return Ending(
            cuts[0],
            f"The network {network.name!r} joins the outputs of several classifiers. It is cut before the first one, "
            f"at {cuts[0]!r}. For the features of all of them, give --layer {' --layer '.join(cuts)} "
            f"(layers={cuts!r}).",
        )
    if are_probabilities:
        return Ending(cuts[0])
    return Ending(
        cuts[0],
        f"It is not clear whether the network {network.name!r} ends in a classifier or in an embedding: its layer "
        f"{classifiers[0].path!r} has {classifiers[0].tensor.shape[-1]} outputs, but no softmax or sigmoid follows. "
        f"They are taken for the logits of a classifier, so the network is cut before them, at {cuts[0]!r}. If they "
        f"are the embedding, give --layer {output.path} (layers={output.path!r}).",
    )


def _classifiers(place: Place, may_join: bool = True) -> tuple[list[Place], bool]:
    """Return the classification layers of an output, and whether probabilities or a single value follow them.

    There are several if the output joins those of several classifiers, such as their mean, and none if the output is
    an embedding or a feature map.
    """
    n_values = math.prod(side or 1 for side in place.tensor.shape[1:])
    are_probabilities = n_values == 1  # a single value is never an embedding
    while True:
        before = place.before()
        if not place.is_input:
            operation = place.operation
            are_probabilities = are_probabilities or _kind(operation) in _PROBABILITIES
            if getattr(operation, "weights", None) and not (are_probabilities and isinstance(operation, _ELEMENTWISE)):
                break
            if not are_probabilities and len(before) > 1:
                return _joined(before) if may_join else ([], False)
            if not are_probabilities and _kind(operation) not in _KEEP_LOGITS:
                return [], False
        if not before:
            return [], False
        place = before[0].innermost()
    is_classifier = are_probabilities or _computes_logits(place, n_values)
    return ([place] if is_classifier else []), are_probabilities


def _joined(places: list[Place]) -> tuple[list[Place], bool]:
    """Return the classification layers of several outputs, or none if one of them has no probabilities."""
    found = [_classifiers(place.innermost(), may_join=False) for place in places]
    if not all(classifiers and are_probabilities for classifiers, are_probabilities in found):
        return [], False
    return [classifier for classifiers, _ in found for classifier in classifiers], True


def _computes_logits(place: Place, n_values: int) -> bool:
    """Return whether a last layer with weights may be a classification layer, though no probabilities follow it.

    Parameters
    ----------
    place : Place
        The output of the layer.
    n_values : int
        Number of values in the output of the network.
    """
    operation, shape = place.operation, place.tensor.shape
    if _kind(operation) != "linear" or shape[-1] != n_values:
        return False
    if isinstance(operation, layers.Dense):
        return True
    is_convolution = isinstance(operation, (layers.Conv1D, layers.Conv2D, layers.Conv3D))
    return is_convolution and (math.prod(operation.kernel_size) == 1 or set(shape[1:-1]) == {1})


def _before(classifier: Place) -> Place:
    """Return the place before a classification layer, without the dropout layers in between."""
    place = classifier.before()[0]
    while (place.is_input and place.calls) or (not place.is_input and isinstance(place.operation, layers.Dropout)):
        place = place.before()[0]
    return place.innermost()


def _kind(operation: keras.Operation) -> str:
    """Return the name of an operation, or of its activation if it has one, in lower case and without underscores."""
    activation = getattr(operation, "activation", None)
    name = (
        type(operation).__name__ if activation is None else getattr(activation, "__name__", type(activation).__name__)
    )
    return name.lower().replace("_", "")
