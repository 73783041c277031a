"""A fitted pipeline as one ONNX graph: the networks, what follows them, and the labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper
from sklearn.pipeline import Pipeline

from hybrid.errors import InputError, reason_of
from hybrid.export.builder import GraphBuilder
from hybrid.export.heads import label_type, labels, probabilities
from hybrid.export.network import to_onnx
from hybrid.extractors import FeatureExtractor
from hybrid.pipelines.build import extractors_of

EMBEDDINGS = "embeddings"  # a tensor inside, which the check looks at
PROBABILITIES, LABEL = "probabilities", "label"


@dataclass(frozen=True)
class PixelInput:
    """An input of the graph: images of one size, uint8 (N, height, width, channels).

    Attributes
    ----------
    name : str
    size : (int, int)
        Height and width.
    channels : int
        1 for grey, 3 for RGB.
    interpolation : str
        Of resizing.
    """

    name: str
    size: tuple[int, int]
    channels: int
    interpolation: str

    def describe(self) -> onnx.ValueInfoProto:
        """Return what the graph says of it."""
        colour = "grey" if self.channels == 1 else "RGB"
        text = f"{colour}, 0 to 255, upright, stretched to this size ({self.interpolation}, antialiased, in 8 bits)"
        shape: list[str | int | None] = ["N", *self.size, self.channels]
        return helper.make_tensor_value_info(self.name, TensorProto.UINT8, shape, doc_string=text)


def assemble(pipeline: Pipeline) -> tuple[onnx.ModelProto, list[PixelInput]]:
    """Return the graph of a pipeline from images to labels, and its inputs.

    Raises
    ------
    InputError
        If a part of it cannot be translated; it says which and why.
    """
    extractors, graph = extractors_of(pipeline[0]), GraphBuilder()
    given = inputs_of(extractors)
    parts = [graph.include(to_onnx(one), source.name) for one, source in zip(extractors, given, strict=True)]
    X = graph.add("Identity", graph.beside(*parts), output=EMBEDDINGS)
    head = pipeline[1:]
    try:
        proba = probabilities(graph, head, X, sum(one.resolve().width for one in extractors))
        graph.add("Identity", labels(graph, head, proba), output=LABEL)
    except InputError:
        raise
    except Exception as error:  # what a stranger's head lacks, nobody can list
        reason = reason_of(error)
        raise InputError(f"The model's head cannot be exported: {reason}") from error
    graph.add("Cast", proba, output=PROBABILITIES, to=TensorProto.FLOAT)
    inputs = list(dict.fromkeys(given))
    several = getattr(head[-1], "multilabel_", False)
    columns = len(head[-1].classes_)
    outputs = [
        helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["N", columns]),
        helper.make_tensor_value_info(LABEL, label_type(head[-1]), ["N", columns] if several else ["N"]),
    ]
    return graph.model([one.describe() for one in inputs], outputs), inputs


def inputs_of(extractors: Sequence[FeatureExtractor]) -> list[PixelInput]:
    """Return the input of each extractor; those that see the same pixels share one.

    They are called ``pixels``, or after their sizes where there are several.
    """
    fields = [one.resolve().fields for one in extractors]
    kinds = [((one["size"][0], one["size"][1]), one["channels"], one["interpolation"]) for one in fields]
    if len(set(kinds)) == 1:
        return [PixelInput("pixels", *kind) for kind in kinds]
    return [PixelInput(f"pixels_{size[0]}x{size[1]}x{n}_{how}", size, n, how) for size, n, how in kinds]


def set_notes(model: onnx.ModelProto, notes: Mapping[str, str]) -> None:
    """Put notes into a model's ``metadata_props``."""
    helper.set_model_props(model, dict(notes))
