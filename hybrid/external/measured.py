"""The scores of one saved model on one other dataset, beside those on the model's own images."""

from dataclasses import dataclass

from hybrid.evaluation import Evaluation, PredictiveValues, SubgroupScores, UnpairedTest
from hybrid.external.internal import OWN_NAMES, InternalSide
from hybrid.external.new_data import NewData
from hybrid.external.overlap import Overlap
from hybrid.external.proportions import ClassProportions
from hybrid.external.scores import SideScores
from hybrid.external.shift import ExternalShift


@dataclass(frozen=True, eq=False, repr=False)
class MeasuredModel:
    """The scores of one saved model on one other dataset, and how they differ from those on its own images.

    Attributes
    ----------
    data : NewData
        The images that were measured, as the model sees them.
    split : str or None
        The split of the dataset that was used; None for all images.
    metric : str
        The metric of the main result.
    external : SideScores
        The scores on the dataset.
    internal : SideScores or None
        The scores on the model's own images; None if they are not known.
    own : InternalSide
        What is known of the model's own images.
    differences, class_differences : tuple of UnpairedTest
        External minus internal scores: of all images, and of each class.
    overlap : Overlap
        The images that are also among those the model was made with.
    notes : tuple of str
        What limits the scores.
    proportions : ClassProportions
        Whether other class proportions alone explain the scores.
    subgroups : SubgroupScores or None
        The scores on subgroups of the images, if they were asked for.
    shift : ExternalShift or None
        Whether the images are like those that the model learnt from; None if this was not asked for.
    predictive_values : tuple of PredictiveValues
        The predictive values of each class or label whose prevalence was named.
    """

    data: NewData
    split: str | None
    metric: str
    external: SideScores
    internal: SideScores | None
    own: InternalSide
    differences: tuple[UnpairedTest, ...]
    class_differences: tuple[UnpairedTest, ...]
    overlap: Overlap
    notes: tuple[str, ...]
    proportions: ClassProportions
    subgroups: SubgroupScores | None = None
    shift: ExternalShift | None = None
    predictive_values: tuple[PredictiveValues, ...] = ()

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.data.name

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self.data.dataset.name

    @property
    def evaluation(self) -> Evaluation:
        """The scores on the dataset."""
        return self.external.evaluation

    @property
    def own_name(self) -> str:
        """What the model's own images are called: "own test images", or "own validation images"."""
        return OWN_NAMES[self.own.split]

    @property
    def details(self) -> tuple[str, ...]:
        """Sentences on the simple properties that differ, and on class proportions."""
        return (*(self.shift.details if self.shift else ()), *self.proportions.sentences)

    @property
    def compares_whole_split(self) -> bool:
        """Whether the internal scores are those that the model's record holds: of all images of its split, at 95%."""
        own, internal = self.own, self.internal
        if internal is None or own.record is None or own.predictions is None:
            return False
        scores = internal.evaluation
        return (scores.n, scores.level, scores.positive) == (len(own.predictions), 0.95, own.record.positive)

    def difference(self, metric: str) -> UnpairedTest | None:
        """Return the difference of an overall score by its name; None if there is none."""
        return next((test for test in self.differences if test.metric == metric), None)
