"""What a curve of scores against labelled images says, in words."""

from hybrid.adaptation.curve import AdaptingCurve, CurvePoint
from hybrid.adaptation.methods import AUTO, NONE
from hybrid.evaluation import METRICS
from hybrid.evaluation.metrics import format_score
from hybrid.wording import joined, number

WORTH = 0.01  # a gain that is worth labelling images for, of a score that is a share
WORTH_OF_LOSS = 0.05  # the same for other scores, as a share of the score without adapting
USUALLY = 0.8  # of the draws are better than the model as it is, where a gain counts


def advice(curve: AdaptingCurve, method: str = AUTO) -> list[str]:
    """Return how many labelled images of the new site are worth their labels, in sentences.

    Parameters
    ----------
    curve : AdaptingCurve
    method : str, default="auto"
        The method that is meant, where it matters.

    Returns
    -------
    list of str
        A sentence on the main score, one on the log loss if the curve has it, and one on the best method.
    """
    metrics = list(dict.fromkeys([curve.metrics[0], *(name for name in curve.metrics if name == "log_loss")]))
    sentences = [_of_score(curve, method, metric) for metric in metrics]
    return [*sentences, *_best_method(curve, method)]


def _of_score(curve: AdaptingCurve, method: str, metric: str) -> str:
    """Return what a method gains by one score, and with how many images."""
    points = [point for size in curve.sizes if (point := curve.point(method, size, metric)).gain is not None]
    plain = curve.point(NONE, curve.sizes[0], metric).mean
    title = METRICS[metric].title
    if not points or plain is None:
        return f"No draw gave a {title} for {method}."
    start = f"Without adapting, the mean {title} over {number(curve.draws, 'draw')} is {format_score(plain)}"
    worth = _worth(metric, plain)
    steps = _steps(points, worth)
    if not steps:
        return (
            f"{start}; with up to {points[-1].images:,} labelled images, {method} does not improve it by "
            f"{format_score(worth)} or more on average and in at least {USUALLY:.0%} of the draws."
        )
    scores = joined([f"{format_score(step.mean)} with {step.images:,}" for step in steps])
    last = steps[-1]
    text = (
        f"{start}; {method} reaches {scores} labelled images (better in {last.better} of {number(last.draws, 'draw')})"
    )
    if last is points[-1]:
        return f"{text}. More images would probably gain more."
    return f"{text}. Up to {points[-1].images:,} images gain less than {format_score(worth)} beyond that."


def _steps(points: list[CurvePoint], worth: float) -> list[CurvePoint]:
    """Return the points with a worthwhile gain over the model as it is, and each over the one before."""
    steps: list[CurvePoint] = []
    for point in points:
        if _gain(point) - (_gain(steps[-1]) if steps else 0) >= worth and point.better >= USUALLY * point.draws:
            steps.append(point)
    return steps


def _best_method(curve: AdaptingCurve, method: str) -> list[str]:
    """Return a sentence on the method with the best mean score, if it gains more than the one that is meant."""
    metric, most = curve.metrics[0], curve.sizes[-1]
    points = [curve.point(name, most, metric) for name in curve.methods]
    known = [point for point in points if point.gain is not None]
    own = curve.point(method, most, metric)
    if not known or own.mean is None:
        return []
    best = max(known, key=_gain)
    if _gain(best) - _gain(own) < _worth(metric, own.mean):
        return []
    scores = joined([f"{point.method} {format_score(point.mean)}" for point in sorted(known, key=_gain, reverse=True)])
    return [f"With {most} images, the mean {METRICS[metric].title} is best with {best.method}: {scores}."]


def _gain(point: CurvePoint) -> float:
    return -1.0 if point.gain is None else point.gain


def _worth(metric: str, plain: float) -> float:
    return WORTH if METRICS[metric].in_points else max(WORTH_OF_LOSS * plain, 0.001)
