"""The steps of a recipe, after it has been read and checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid.comparison.pair_settings import DEFAULT_PAIRS, PairSettings
from hybrid.extractors.backbones.pretrained import Trainable
from hybrid.extractors.images.views import Views
from hybrid.models.options import HeadOptions
from hybrid.training import TrainingOptions
from hybrid.workspace.workspace import slug


@dataclass(frozen=True)
class DataStep:
    """A dataset to load.

    Attributes
    ----------
    name : str
        Name of the dataset in the recipe, or "" if it is the only one.
    arguments : dict
        Arguments of `load_dataset`.
    """

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class TrainStep:
    """A network to train.

    Attributes
    ----------
    name : str
        Name of the network in the recipe, followed by the seed if it is trained with several seeds.
    base_name : str
        Name of the network in the recipe.
    architecture : Architecture or Pretrained
    options : TrainingOptions
    size : int or (int, int), optional
        Height and width of the input in pixels. The default is that of `train_network`.
    data : tuple of str
        Names of the datasets. A separate network is trained on each of them.
    last : bool, default=False
        Whether the network with the weights of the last epoch is compared too, and not only that of the best epoch.
    """

    name: str
    base_name: str
    architecture: Trainable
    options: TrainingOptions
    size: int | tuple[int, int] | None
    data: tuple[str, ...]
    last: bool = False

    @property
    def outputs(self) -> list[str]:
        """Names of the networks that are compared: the best epoch's and, if `last` is true, the last epoch's."""
        return [self.name, *([f"{self.name}-last"] if self.last else [])]


@dataclass(frozen=True)
class ExtractStep:
    """Embeddings to extract.

    Attributes
    ----------
    name : str
        Name of the feature.
    network : str or None
        Name of the trained network that computes the embeddings. If None, ``parameters`` names a backbone.
    parameters : dict
        Parameters of `FeatureExtractor`.
    data : tuple of str
        Names of the datasets.
    views : Views, optional
        Random augmentations of the training images. Heads are fitted to them and to the original images. By default
        there are none.
    views_of : {"train", "train+test"}, default="train"
        Whether only training uses views, or predictions are also averaged over an image and its views.
    """

    name: str
    network: str | None
    parameters: dict[str, Any]
    data: tuple[str, ...]
    views: Views | None = None
    views_of: str = "train"


@dataclass(frozen=True)
class FeatureStep:
    """A feature to which heads are fitted: the embeddings of one extraction, or of several that are concatenated.

    Attributes
    ----------
    name : str
        Name of the feature.
    parts : tuple of str
        Names of the extractions.
    data : tuple of str
        Names of the datasets.
    """

    name: str
    parts: tuple[str, ...]
    data: tuple[str, ...]


@dataclass(frozen=True)
class HeadStep:
    """A head to fit to each of the features.

    Attributes
    ----------
    name : str
        Name of the head in the recipe.
    head : str
        Kind of head, a name in `hybrid.classifiers.HEADS`.
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
    """An ensemble that averages the probabilities of other heads, for each of the features.

    Attributes
    ----------
    name : str
        Name of the ensemble in the recipe.
    heads : tuple of str
        Names of the averaged heads. If a feature concatenates others, the heads of each of these are averaged.
    network : bool
        Whether the output of the trained network that computes the features is averaged too.
    weights : {"equal", "val", "cv"}
        Weights of the average, as in `fit_ensemble`.
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
    """The rules by which models are chosen and compared.

    Attributes
    ----------
    metric : str, optional
        Metric by which models are ordered and chosen. The default depends on the task.
    positive : str, optional
        The positive class of a binary task. By default the last class in sorted order.
    choose : str, default="simplest"
        Rule to choose a model on validation: "best" takes the best one, "simplest" the simplest of those within one
        standard error of the best one. Or the name of a model, as returned by `model_names`, that is fixed in advance.
    tested : PairSettings
        Which differences of models are tested. References are names as returned by `model_names`.
    cv : str, optional
        Folds and repeats, such as ``"5x2"``, of a cross-validation in addition to the comparison on test. By default
        models are not cross-validated.
    per_group : {"mean", "max", "vote"}, optional
        How the predictions for the images of a group, such as a patient, are combined for scores with each group as one
        case. By default there are none.
    cv_domains : str, optional
        A column of the dataset of which one value at a time is left out in this cross-validation, instead of `cv`.
    by : tuple of str, default=()
        Columns of the dataset that divide the images into subgroups, which are scored as well.
    fixed_classes : bool, default=True
        Whether intervals and tests hold for other images with the same share of each class, or for images whose shares
        vary as well.
    options : HeadOptions
        Calibration and threshold of the outputs of trained networks.
    """

    metric: str | None = None
    positive: str | None = None
    choose: str = "simplest"
    tested: PairSettings = DEFAULT_PAIRS
    cv: str | None = None
    per_group: str | None = None
    by: tuple[str, ...] = ()
    cv_domains: str | None = None
    fixed_classes: bool = True
    options: HeadOptions = field(default_factory=HeadOptions)


@dataclass(frozen=True)
class Recipe:
    """A scripted comparison of heads on features of datasets, as returned by `read_recipe`.

    Attributes
    ----------
    name : str
        Name of the file without its suffix.
    title : str
        Title of the report.
    seed : int
        Default seed of all steps.
    data : tuple of DataStep
    train : tuple of TrainStep
    extract : tuple of ExtractStep
    features : tuple of FeatureStep
    heads : tuple of HeadStep
    ensembles : tuple of EnsembleStep
    protocol : ComparisonProtocol
    text : str, default=""
        Content of the file, for the report.
    path : Path
        Path of the file.
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
    """Return the names of the models that a recipe fits to a dataset, such as ``svm-both`` and ``network-net``."""
    names = [slug("network", name) for step in trained for name in step.outputs]
    names += [slug(step.name, feature) for step in heads for feature in step.features]
    return names + [slug(step.name, feature) for step in ensembles for feature in step.features]
