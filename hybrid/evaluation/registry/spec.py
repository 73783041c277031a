"""Definition of a metric."""

from dataclasses import dataclass

BINARY = ("binary",)
MULTICLASS = ("multiclass",)
MULTILABEL = ("multilabel",)
SINGLE_LABEL = ("binary", "multiclass")
AVERAGED = ("multiclass", "multilabel")
ALL = ("binary", "multiclass", "multilabel")
BOTH = ("positives", "negatives")


@dataclass(frozen=True)
class MetricSpec:
    """Definition of a metric.

    Attributes
    ----------
    name : str
        Name in ``Evaluation.metrics`` and in files.
    title : str
        Name in reports.
    definition : str
        Definition in one sentence.
    needs : {"decisions", "ranks", "probabilities"}
        Which predictions it is computed from: predicted classes, the order of the images by probability, or the
        probabilities themselves.
    tasks : tuple of str
        Tasks that have it as an overall metric. Empty for metrics of single classes only.
    higher_is_better : bool
        Whether a higher value is better.
    tunable : bool
        Whether a search may choose by it. Metrics that can be best for a model that ignores the images, such as one
        that always predicts the same class, are excluded.
    positive_class : str
        Name of the single-class metric that it is an alias of, for the positive class of a binary task.
    undefined_without : tuple of {"positives", "negatives"}
        Which images a class needs for its metric to be defined.
    zero_if_never_predicted : bool
        Whether a class that is never predicted counts as 0 in this mean over classes.
    share_of : {"", "images", "positives", "negatives", "predicted", "not_predicted", "either"}
        If the metric is the share of correctly predicted images: among which images. It then has Wilson's interval.
        "either" are the images that are of the class or predicted as it; F1 increases with their share.
    interval : {"bootstrap", "area", "ratio", "jackknife", "calibration"}
        How the interval of any other metric is computed: "area" is DeLong's on the scale of log-odds, "ratio" that of a
        ratio of two shares on the scale of logarithms, and "jackknife" Wilson's with the jackknife's variance. With
        "calibration" the bootstrap distribution is mirrored, because the metric is biased on few images.
    paired_test : {"bootstrap", "McNemar", "DeLong"}
        How the difference of two models is tested.
    in_points : bool
        Whether differences are shown in percentage points.
    aim : str
        Name of the aim of thresholds that maximise it or reach a level of it; empty if there is none.
    aim_has_level : bool
        Whether thresholds reach a given level of it instead of maximising it.
    """

    name: str
    title: str
    definition: str
    needs: str
    tasks: tuple[str, ...] = ()
    higher_is_better: bool = True
    tunable: bool = True
    positive_class: str = ""
    undefined_without: tuple[str, ...] = ()
    zero_if_never_predicted: bool = False
    share_of: str = ""
    interval: str = "bootstrap"
    paired_test: str = "bootstrap"
    in_points: bool = False
    aim: str = ""
    aim_has_level: bool = False

    @property
    def threshold_free(self) -> bool:
        """Whether it is computed from probabilities instead of predicted classes."""
        return self.needs != "decisions"
