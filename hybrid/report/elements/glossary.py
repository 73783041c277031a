"""What the words of the report mean: a list at its end, and tooltips of headings."""

from hybrid.evaluation import METRICS
from hybrid.report.elements.words import capitalized

# Each in one sentence, for readers who have not met the word.
WORDS = {
    "ROC AUC": "How often an image of the class gets a higher probability of it than an image without it, over all "
    "such pairs: 1 is perfect, 0.5 is chance.",
    "F1": "The harmonic mean of precision (how many of the predicted images are of the class) and recall (how many "
    "images of the class are found).",
    "Brier score": "The mean squared difference between the predicted probabilities and the truth: 0 is perfect, lower "
    "is better.",
    "Calibration error": "How far predicted probabilities are from the observed frequencies on average: with 0, 30 of "
    "100 images with a probability of 0.3 are of the class.",
    "Interval": "The values of a score that are compatible with these images: intervals computed in this way contain "
    "the true value in 95 of 100 such samples of images, if the level is 95%.",
    "Adjusted p": "How probable a difference at least as large would be if the models were equally good, made larger "
    "because several models are compared; below 0.05 it is significant at the level of 95%.",
    "Cannot be told apart": "The difference of two models can be due to chance, which does not mean that they are "
    "equally good.",
    "t-SNE map": "A drawing of the images in two dimensions in which neighbours have similar features; distances "
    "between groups that are far apart mean little.",
}
_HEADINGS = {"map": "t-SNE map", "interval": "Interval", "p_adjusted": "Adjusted p", "p": "Adjusted p"}


def tooltip(key: str) -> str:
    """Return the meaning of a part or of a column, by its key; "" if it needs none.

    Examples
    --------
    >>> tooltip("accuracy"), tooltip("model")
    ('Share of images whose class is predicted.', '')
    """
    if key in _HEADINGS:
        return WORDS[_HEADINGS[key]]
    metric = METRICS.get(key.removeprefix("val_"))
    return "" if metric is None else WORDS.get(capitalized(metric.title), metric.definition)
