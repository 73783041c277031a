"""Compute the figures of the page "How sure is it?" and draw its three pictures.

`python docs/pictures/how_sure.py` takes about three minutes. It writes three pictures, each for light and dark pages,
and `how_sure.json`, the figures that the text quotes. A test compares them with the page.

All patients are simulated, since only then is the truth known. Half of 40 patients are ill, and there are five pictures
of each. The score of a picture is normally distributed and has three parts: one that all pictures of the patient share,
one that all models share on the picture, and one of the model alone. It is two standard deviations higher if the
patient is ill. A model that says "ill" above the middle is therefore right in 84.1% of all pictures.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from hybrid.classifiers.prior import corrected
from hybrid.evaluation import PairedTest, compare_models, evaluate
from hybrid.pipelines.aim import Aim
from hybrid.pipelines.threshold import choose_threshold

FOLDER = Path(__file__).parent
SKILL = 2.0  # standard deviations between ill and well
TRUTH = 100 * float(norm.cdf(SKILL / 2))
BETTER = 2.4  # the skill of a model that is right in 88.5% of all pictures
ALIKE = 0.5  # share of the variance that pictures of one patient have in common
NAMES = "ABCDEFGHIJ"
THEMES = {
    "light": {"ink": "#24292F", "faint": "#9AA1A9", "plain": "#0B6AB0", "marked": "#C8500A"},
    "dark": {"ink": "#D5DBE1", "faint": "#737C86", "plain": "#62B5EE", "marked": "#F39A4A"},
}

Pictures = tuple[NDArray[np.int64], NDArray[np.int64], dict[str, NDArray[np.float64]]]


def draw(
    seed: Any, patients: int = 40, ill: float = 0.5, each: int = 5, skills: tuple[float, ...] = (SKILL,)
) -> Pictures:
    """Return the truth, the patient, and each model's probability of "ill" for the pictures of new patients."""
    rng = np.random.default_rng(seed)
    truth = (np.arange(patients) < round(ill * patients)).astype(np.int64).repeat(each)
    patient = np.arange(patients).repeat(each)
    own = np.sqrt((1 - ALIKE) / 2)
    shared = np.sqrt(ALIKE) * rng.standard_normal(patients)[patient] + own * rng.standard_normal(len(truth))
    proba = {}
    for name, skill in zip(NAMES, skills, strict=False):
        score = skill * truth + shared + own * rng.standard_normal(len(truth))
        proba[name] = expit(skill * score - skill**2 / 2 + np.log(ill / (1 - ill)))
    return truth, patient, proba


def accuracy(seed: Any, with_patients: bool) -> NDArray[np.float64]:
    """Return the accuracy of model A on one test, and its interval, in percent."""
    truth, patient, proba = draw(seed)
    result = evaluate(truth, proba["A"], [0, 1], groups=patient if with_patients else None, n_boot=1)
    metric = result.metrics["accuracy"]
    return 100 * np.array([metric.value, metric.low, metric.high], dtype=float)


def twenty(with_patients: bool) -> NDArray[np.float64]:
    """Return accuracy and interval of the twenty tests in the first two pictures.

    The seed gives twenty tests of which about as many intervals hold as of a thousand; see `slow_figures`.
    """
    return np.array([accuracy((8, number), with_patients) for number in range(20)])


def holds(tests: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether each interval contains the truth."""
    return (tests[:, 1] <= TRUTH) & (tests[:, 2] >= TRUTH)


def ten_models() -> list[NDArray[np.float64]]:
    """Return the accuracies of ten equally good models on test, and those on pictures of new patients.

    The seeds give patients who are neither easier nor more difficult than others for all ten models together.
    """
    return [correct(*draw(seed, skills=(SKILL,) * 10)) for seed in (39, 37)]


def correct(truth: NDArray[np.int64], patient: NDArray[np.int64], proba: dict[str, Any]) -> NDArray[np.float64]:
    """Return the accuracy of each model in percent."""
    return np.array([100 * float(((scores >= 0.5) == truth).mean()) for scores in proba.values()])


def two_models(patients: int, skill: float, **options: Any) -> PairedTest:
    """Return the comparison of model A, which has another skill, with model B."""
    truth, patient, proba = draw((0, patients), patients, skills=(skill, SKILL))
    (test,) = compare_models(truth, proba, [0, 1], groups=patient, metrics=["accuracy"], reference="B", **options)
    return test


# ---------------------------------------------------------------- the figures that the text quotes


def quick_figures() -> dict[str, str]:
    """Return the figures that take seconds to compute."""
    tests, alone = twenty(True), twenty(False)
    first, second = ten_models()
    best = int(first.argmax())
    small, large = two_models(40, BETTER), two_models(400, BETTER)
    truth, _, proba = draw(3, 200, ill=0.05, each=1)
    rare = evaluate(truth, proba["A"], [0, 1], n_boot=1).metrics
    half = np.array([[0.2, 0.8]])
    rarer = corrected(half, np.array([[0.98 / 0.5, 0.02 / 0.5]]), False)[0, 1]
    return {
        "truth": f"{TRUTH:.1f}%",
        "better truth": f"{100 * norm.cdf(BETTER / 2):.1f}%",
        "first test": f"{tests[0, 0]:.1f}%",
        "its interval": f"{tests[0, 1]:.1f}% to {tests[0, 2]:.1f}%",
        "lowest to highest": f"from {tests[:, 0].min():.1f}% to {tests[:, 0].max():.1f}%",
        "twenty with patients": f"{_number(holds(tests).sum())} of the twenty intervals contain",
        "twenty without": f"{_number(holds(alone).sum())} of the twenty short intervals contain",
        "best first": f"Model {NAMES[best]} looks best, with {first[best]:.1f}%",
        "best second": f"reaches {second[best]:.1f}%",
        "small difference": _difference(small),
        "large difference": _difference(large),
        "rare sensitivity": _share(rare["sensitivity"]),
        "rare accuracy": f"an accuracy of {100 * float(rare['accuracy'].value or 0):.1f}%",
        "rarer": f"{100 * rarer:.0f}%",
        "fewest": f"{Aim('recall', 0.98, 0.95).fewest()} pictures of ill patients",
        "margin small": _margin(two_models(40, SKILL, margin=0.03)),
        "margin large": _margin(two_models(400, SKILL, margin=0.03)),
    }


def slow_figures() -> dict[str, str]:
    """Return the figures that need hundreds of simulated tests."""
    covered = [[holds(accuracy((2, n), patients)[None])[0] for patients in (True, False)] for n in range(1000)]
    alarms, best = [], []
    for n in range(500):
        truth, patient, proba = draw((3, n), skills=(SKILL,) * 10)
        tests = compare_models(truth, proba, [0, 1], groups=patient, metrics=["accuracy"], reference="A", n_boot=1)
        alarms.append([any((test.p_value or 1) < 0.05 for test in tests), any(test.distinguishable for test in tests)])
        best.append(correct(truth, patient, proba).max())
    covered_share, alarm_share = np.mean(covered, axis=0), np.mean(alarms, axis=0)
    plain, sure = (_missed(Aim.parse(aim)) for aim in ("recall=0.95", "recall=0.95@0.95"))
    return {
        "coverage": f"{covered_share[0]:.0%} of 1,000",
        "coverage without patients": f"{covered_share[1]:.0%}",
        "optimism of the best": f"{np.mean(best) - TRUTH:.1f} points",
        "false alarms": f"{alarm_share[0]:.0%} of 500",
        "false alarms, Holm": f"{alarm_share[1]:.0%}",
        "missed": f"{plain[0]:.0%} of 1,000",
        "missed with confidence": f"{sure[0]:.0%}",
        "false positives": f"{plain[1]:.0%} to {sure[1]:.0%}",
        "optimism of F1": f"{100 * _f1_optimism():.1f} points",
    }


def _missed(aim: Aim) -> tuple[float, float]:
    """Return how often a threshold from 200 pictures misses its aim on all others, and its mean false positives."""
    missed, alarms = [], []
    for n in range(1000):
        truth, _, proba = draw((4, n), 200, each=1)
        cut = choose_threshold(truth == 1, proba["A"], aim).threshold
        score = (np.log(cut / (1 - cut)) + SKILL**2 / 2) / SKILL
        missed.append(norm.sf(score - SKILL) < (aim.level or 0))
        alarms.append(norm.sf(score))
    return float(np.mean(missed)), float(np.mean(alarms))


def _f1_optimism() -> float:
    """Return by how much F1 is better on the 40 pictures that its threshold was chosen on than on all others."""
    gains = []
    for n in range(2000):
        truth, _, proba = draw((5, n), 40, ill=0.2, each=1)
        cut = choose_threshold(truth == 1, proba["A"], Aim("f1")).threshold
        score = (np.log(cut / (1 - cut)) - np.log(0.25) + SKILL**2 / 2) / SKILL
        said = proba["A"] >= cut
        seen = 2 * (said & (truth == 1)).sum() / (said.sum() + truth.sum())
        hits = 0.2 * norm.sf(score - SKILL)
        gains.append(seen - 2 * hits / (hits + 0.8 * norm.sf(score) + 0.2))
    return float(np.mean(gains))


def _number(count: int) -> str:
    words = "none one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    return f"{words}seventeen eighteen nineteen".split()[count] if count < 20 else "all"


def _share(metric: Any) -> str:
    return f"{100 * metric.value:.0f}%, interval {100 * metric.low:.0f}% to {100 * metric.high:.0f}%"


def _difference(test: PairedTest) -> str:
    return f"{test.figure(test.difference, '+')} points, 95% interval {test.between(test.low, test.high)}"


def _margin(test: PairedTest) -> str:
    """Return by how much A may be worse than B, at worst."""
    worst = test.at_worst or 0.0
    return f"{abs(100 * worst):.1f} points {'worse' if worst > 0 else 'better'}"


# ---------------------------------------------------------------- the pictures


def main() -> None:
    """Write the figures and the pictures."""
    figures = quick_figures() | slow_figures()
    (FOLDER / "how_sure.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for theme in THEMES:
        draw_pictures(theme, FOLDER)


def draw_pictures(theme: str, folder: Path) -> None:
    """Draw the three pictures in the colours of a theme."""
    colours = THEMES[theme]
    tests, alone = twenty(True), twenty(False)
    first, second = ten_models()
    with rc_context(text_style(colours)):
        write_svg(_intervals(tests, None, colours), folder / f"how_sure_twenty_{theme}.svg")
        write_svg(_intervals(alone, tests, colours), folder / f"how_sure_patients_{theme}.svg")
        write_svg(_best_of_ten(first, second, colours), folder / f"how_sure_best_{theme}.svg")


def _intervals(tests: NDArray[np.float64], behind: NDArray[np.float64] | None, colours: dict[str, str]) -> Figure:
    """Draw one line per test: its interval, its accuracy, and in grey the interval behind it."""
    figure, axes = blank_panel(4.8, colours)
    rows = np.arange(len(tests), 0, -1)
    axes.axvline(TRUTH, color=colours["ink"], linewidth=1, zorder=1)
    axes.text(TRUTH, 21.2, f"the truth: {TRUTH:.1f}%", ha="center", va="bottom")
    if behind is not None:
        axes.hlines(rows, behind[:, 1], behind[:, 2], color=colours["faint"], linewidth=1.2, zorder=2)
    for row, (value, low, high), right in zip(rows, tests, holds(tests), strict=True):
        colour = colours["plain" if right else "marked"]
        axes.hlines(row, low, high, color=colour, linewidth=2.6, zorder=3)
        axes.plot(value, row, "o", color=colour, markersize=5, zorder=4)
        if not right and behind is None:
            axes.text(TRUTH - 0.8 if low > TRUTH else TRUTH + 0.8, row, "misses", color=colour, va="center",
                      ha="right" if low > TRUTH else "left", zorder=5)  # fmt: skip
    axes.set(xlim=(62, 98), ylim=(0.2, 21), yticks=(20, 16, 11, 6, 1), xticks=(65, 70, 75, 80, 85, 90, 95))
    axes.set_yticklabels(("test 1", "5", "10", "15", "20"))
    axes.set_xticklabels([f"{tick:.0f}%" for tick in axes.get_xticks()])
    axes.set_xlabel("pictures recognised correctly", color=colours["ink"])
    return figure


def _best_of_ten(first: NDArray[np.float64], second: NDArray[np.float64], colours: dict[str, str]) -> Figure:
    """Draw a line per model, from its accuracy on test to that on new pictures, with the best on test marked."""
    figure, axes = blank_panel(4.2, colours)
    best = int(first.argmax())
    axes.hlines(TRUTH, 0, 1, color=colours["ink"], linewidth=1, zorder=1)
    axes.text(-0.06, TRUTH, f"the truth\nfor all ten:\n{TRUTH:.1f}%", ha="right", va="center")
    for number, pair in enumerate(zip(first, second, strict=True)):
        chosen = number == best
        colour = colours["marked" if chosen else "faint"]
        axes.plot((0, 1), pair, "-o", color=colour, linewidth=2.6 if chosen else 1.2, markersize=7 if chosen else 4,
                  zorder=3 if chosen else 2)  # fmt: skip
    for side, value in ((0, first[best]), (1, second[best])):
        axes.text(side + (0.05 if side else -0.05), value, f"{value:.1f}%", color=colours["marked"], va="center",
                  ha="left" if side else "right", weight="bold")  # fmt: skip
    axes.set(xlim=(-0.45, 1.3), xticks=(0, 1))
    axes.set_xticklabels(("on the test pictures\nthat chose the best", "on as many pictures\nof new patients"))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0, labelsize=10)
    return figure


def text_style(colours: dict[str, str]) -> dict[str, Any]:
    """Return Matplotlib's settings of a picture."""
    fonts = {"font.family": ["Liberation Sans", "DejaVu Sans"], "font.size": 10, "svg.fonttype": "none"}
    return fonts | {"svg.hashsalt": "hybrid", "text.color": colours["ink"]}


def blank_panel(height: float, colours: dict[str, str]) -> tuple[Figure, Axes]:
    """Return a figure of the width of a phone, with axes at the bottom only."""
    figure = Figure(figsize=(4.6, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(colours["faint"])
    axes.tick_params(axis="y", length=0)
    axes.tick_params(colors=colours["ink"])
    axes.tick_params(axis="x", color=colours["faint"])
    return figure, axes


def write_svg(figure: Figure, path: Path) -> None:
    """Write a picture whose text any browser sets in its own font of these widths, without a date."""
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    text = path.read_text(encoding="utf-8")
    text = text.replace("'Liberation Sans', 'DejaVu Sans'", "'Helvetica Neue', Arial, 'Liberation Sans', sans-serif")
    path.write_text("".join(f"{line.rstrip()}\n" for line in text.splitlines()), encoding="utf-8")


if __name__ == "__main__":
    main()
