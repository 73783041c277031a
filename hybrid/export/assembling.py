"""Build one ONNX graph from a fitted pipeline: its networks, the steps that follow them, and the labels."""

import re
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
from hybrid.extractors.images.depth import AS_STATED, Reading
from hybrid.pipelines.build import extractors_of

EMBEDDINGS = "embeddings"  # an inner tensor, which becomes an output only while the graph is checked
PROBABILITIES, LABEL = "probabilities", "label"


@dataclass(frozen=True)
class PixelInput:
    """An input of the graph: uint8 images of one size, with shape (N, height, width, channels).

    Attributes
    ----------
    name : str
        Name of the input.
    size : (int, int)
        Height and width in pixels.
    channels : int
        1 for greyscale, 3 for RGB.
    interpolation : str
        Interpolation with which images must be resized.
    reading : Reading, default=AS_STATED
        How pixels with more than 8 bits must be read.
    """

    name: str
    size: tuple[int, int]
    channels: int
    interpolation: str
    reading: Reading = AS_STATED

    def describe(self) -> onnx.ValueInfoProto:
        """Return the description of the input in the graph."""
        colour = "grey" if self.channels == 1 else "RGB"
        text = f"{colour}, 0 to 255, upright, stretched to this size ({self.interpolation}, antialiased, in 8 bits)"
        text += f"; {self.reading.describe()}" if self.reading != AS_STATED else ""
        shape: list[str | int | None] = ["N", *self.size, self.channels]
        return helper.make_tensor_value_info(self.name, TensorProto.UINT8, shape, doc_string=text)


def assemble(pipeline: Pipeline) -> tuple[onnx.ModelProto, list[PixelInput]]:
    """Return the graph of a pipeline from images to labels, and its inputs.

    Parameters
    ----------
    pipeline : Pipeline
        A fitted pipeline whose first step extracts features from images.

    Returns
    -------
    model : onnx.ModelProto
    inputs : list of PixelInput

    Raises
    ------
    InputError
        If a step cannot be translated. The message names the step and the reason.
    """
    extractors, graph = extractors_of(pipeline[0]), GraphBuilder()
    input_of_each = inputs_of(extractors)
    pairs = zip(extractors, input_of_each, strict=True)
    parts = [graph.include(to_onnx(extractor), pixels.name) for extractor, pixels in pairs]
    X = graph.add("Identity", graph.concatenate(*parts), output=EMBEDDINGS)
    head = pipeline[1:]
    try:
        proba = probabilities(graph, head, X, sum(extractor.resolve().width for extractor in extractors))
        graph.add("Identity", labels(graph, head, proba), output=LABEL)
    except InputError:
        raise
    except Exception as error:  # a head of another library can fail in any way
        reason = reason_of(error)
        raise InputError(f"The model's head cannot be exported: {reason}") from error
    graph.add("Cast", proba, output=PROBABILITIES, to=TensorProto.FLOAT)
    inputs = list(dict.fromkeys(input_of_each))
    multilabel = getattr(head[-1], "multilabel_", False)
    columns = len(head[-1].classes_)
    outputs = [
        helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["N", columns]),
        helper.make_tensor_value_info(LABEL, label_type(head[-1]), ["N", columns] if multilabel else ["N"]),
    ]
    return graph.model([pixels.describe() for pixels in inputs], outputs), inputs


def inputs_of(extractors: Sequence[FeatureExtractor]) -> list[PixelInput]:
    """Return the input of each extractor. Extractors that take the same pixels share an input.

    A single input is called ``pixels``. The names of several inputs include all of this.
    """
    identities = [extractor.resolve().fields for extractor in extractors]
    kinds = [
        ((it["size"][0], it["size"][1]), it["channels"], it["interpolation"], Reading.from_fields(it))
        for it in identities
    ]
    if len(set(kinds)) == 1:
        return [PixelInput("pixels", *kind) for kind in kinds]
    return [PixelInput(_input_name(*kind), *kind) for kind in kinds]


def _input_name(size: tuple[int, int], channels: int, interpolation: str, reading: Reading) -> str:
    read = reading.describe().replace("-", "minus").replace(".", "point")
    words = [f"{size[0]}x{size[1]}x{channels}", interpolation, *re.findall(r"\w+", read)]
    return "_".join(["pixels", *words])


def set_notes(model: onnx.ModelProto, notes: Mapping[str, str]) -> None:
    """Write notes to the ``metadata_props`` of a model."""
    helper.set_model_props(model, dict(notes))
