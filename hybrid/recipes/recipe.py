"""What a recipe says, checked: the steps of a scripted comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid.extractors.backbones.pretrained import Trainable
from hybrid.extractors.images.views import Views
from hybrid.models.fit import HeadOptions
from hybrid.training import TrainingOptions
from hybrid.workspace.workspace import slug


@dataclass(frozen=True)
class DataStep:
    """A dataset to load.

    Attributes
    ----------
    name : str
        What the recipe calls it; "" for the only one.
    arguments : dict
        Of `load_dataset`.
    """

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class TrainStep:
    """A network to train.

    Attributes
    ----------
    name : str
        What the recipe calls it, with its seed behind where it is trained with several.
    called : str
        What the recipe calls it.
    architecture : Architecture or Pretrained
    options : TrainingOptions
    size : int or (int, int), optional
        Of its input.
    data : tuple of str
        Names of the datasets it is trained on, a network each.
    last : bool
        Whether its last epoch's weights are compared too, beside its best epoch's.
    """

    name: str
    called: str
    architecture: Trainable
    options: TrainingOptions
    size: int | tuple[int, int] | None
    data: tuple[str, ...]
    last: bool = False

    @property
    def outputs(self) -> list[str]:
        """Names of the networks that are compared: of the best epoch's weights, perhaps of the last epoch's."""
        return [self.name, *([f"{self.name}-last"] if self.last else [])]


@dataclass(frozen=True)
class ExtractStep:
    """Embeddings to extract.

    Attributes
    ----------
    name : str
    network : str, optional
        The trained network that gives them; else ``parameters`` names a backbone.
    parameters : dict
        Of `FeatureExtractor`.
    data : tuple of str
        Names of the datasets.
    views : Views, optional
        Random augmentations of the training images, for heads to be fitted to beside the images themselves.
    views_of : {"train", "train+test"}
        Whether predictions, too, are means over an image and its views.
    """

    name: str
    network: str | None
    parameters: dict[str, Any]
    data: tuple[str, ...]
    views: Views | None = None
    views_of: str = "train"


@dataclass(frozen=True)
class FeatureStep:
    """What heads are fitted to: the embeddings of one extraction, or of several side by side."""

    name: str
    parts: tuple[str, ...]
    data: tuple[str, ...]


@dataclass(frozen=True)
class HeadStep:
    """A head to fit to each of the features.

    Attributes
    ----------
    name : str
    head : str
        A name in `hybrid.classifiers.HEADS`.
    options : HeadOptions
    features : tuple of str
        Names of the features.
    """

    name: str
    head: str
    options: HeadOptions
    features: tuple[str, ...]


@dataclass(frozen=True)
class EnsembleStep:
    """An average of other heads' probabilities, for each of the features.

    Attributes
    ----------
    name : str
    heads : tuple of str
        Names of the heads that are averaged. Of features side by side, it is the heads of each of them.
    network : bool
        Whether the own output of a trained network, whose features they are, counts too.
    weights : str
        As in `fit_ensemble`.
    options : HeadOptions
    features : tuple of str
        Names of the features.
    """

    name: str
    heads: tuple[str, ...]
    network: bool
    weights: str
    options: HeadOptions
    features: tuple[str, ...]


@dataclass(frozen=True)
class ComparisonProtocol:
    """How models are chosen and compared.

    Attributes
    ----------
    metric : str, optional
        What models are ordered and chosen by; by the task if not given.
    positive : str, optional
        The positive class of a binary task.
    choose : str
        "simplest" or "best": which of the models that validation cannot tell apart is taken; or the name of one, as
        `model_names` gives them, that is fixed in advance.
    cv : str, optional
        Folds and repeats, such as ``"5x2"``, of a cross-validated comparison beside that on test.
    options : HeadOptions
        Calibration and threshold of the trained networks' own outputs.
    """

    metric: str | None = None
    positive: str | None = None
    choose: str = "simplest"
    cv: str | None = None
    options: HeadOptions = field(default_factory=HeadOptions)


@dataclass(frozen=True)
class Recipe:
    """A scripted comparison: datasets × features × heads, under one protocol. Made by `read_recipe`.

    Attributes
    ----------
    name : str
        The file's name without its suffix.
    title : str
    seed : int
    data, train, extract, features, heads, ensembles : tuple of steps
    protocol : ComparisonProtocol
    text : str
        The file as it is, for the report.
    path : Path
    """

    name: str
    title: str
    seed: int
    data: tuple[DataStep, ...]
    train: tuple[TrainStep, ...]
    extract: tuple[ExtractStep, ...]
    features: tuple[FeatureStep, ...]
    heads: tuple[HeadStep, ...]
    ensembles: tuple[EnsembleStep, ...]
    protocol: ComparisonProtocol
    text: str = ""
    path: Path = field(default_factory=Path)


def model_names(
    trained: Sequence[TrainStep], heads: Sequence[HeadStep], ensembles: Sequence[EnsembleStep]
) -> list[str]:
    """Return what a recipe calls the models that it makes on a dataset, such as ``svm-both`` and ``network-net``."""
    names = [slug("network", name) for step in trained for name in step.outputs]
    names += [slug(step.name, feature) for step in heads for feature in step.features]
    return names + [slug(step.name, feature) for step in ensembles for feature in step.features]
