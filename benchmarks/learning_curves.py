"""How often the band of a learning curve contains the score that more training images bring.

    python benchmarks/learning_curves.py laws [--sets 2000]
    python benchmarks/learning_curves.py real --set NAME --workspace FOLDER [--draws 40]

`laws` simulates scores from known power laws: each training image moves the score a little, so that nested shares,
repeats and the larger training set have images in common, as real ones have. `real` draws train and validation from an
embedding set anew each time, fits the curve on half of the training images and compares its forecast with the score of
the model that is fitted to all of them. Test images are not used.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from inference import simulate

from hybrid.planning import fit_power_law


@dataclass(frozen=True)
class Law:
    """A power law of scores.

    Attributes
    ----------
    n : int
        Number of training images.
    asymptote, scale, exponent : float
    luck : float
        Standard deviation of the influence of one image on the score, multiplied by the number of images.
    factor : float, default=2.0
        How many times as many images the forecast is for.
    """

    n: int
    asymptote: float
    scale: float
    exponent: float
    luck: float
    factor: float = 2.0

    def value(self, n: np.ndarray | float) -> np.ndarray:
        """Return the expected score with n images."""
        return self.asymptote - self.scale * np.asarray(n, float) ** -self.exponent

    def draw(self, rng: np.random.Generator, sizes: np.ndarray, repeats: int) -> tuple[np.ndarray, float]:
        """Return the scores of nested shares, (repeats, m), and the score with `factor` times as many images."""
        influence = rng.normal(size=int(self.n * self.factor)) * self.luck
        orders = [rng.permutation(self.n) for _ in range(repeats)]
        moved = np.array([np.cumsum(influence[: self.n][order])[sizes - 1] / sizes for order in orders])
        return self.value(sizes) + moved, float(self.value(self.n * self.factor) + influence.mean())


LAWS = [
    Law(200, 0.95, 0.5, 0.5, 0.3),
    Law(800, 0.95, 0.5, 0.5, 0.3),
    Law(800, 1.0, 0.4, 0.25, 0.3),
    Law(800, 0.95, 2.0, 1.0, 0.3),
    Law(800, 0.9, 0.0, 0.5, 0.3),
    Law(800, 0.95, 0.5, 0.5, 0.1),
    Law(3000, 0.95, 0.5, 0.5, 0.5),
    Law(800, 0.95, 0.5, 0.5, 0.3, factor=4.0),
]


def held(law: Law, rng: np.random.Generator) -> list[float]:
    """Return whether the 90% band contains the new score, its width, and the error of the forecast."""
    sizes = np.unique(np.round(np.geomspace(max(20, law.n / 32), law.n, 8)).astype(int))
    scores, truth = law.draw(rng, sizes, 10)
    _, value, low, high = fit_power_law(sizes, scores, factor=law.factor).target
    return [float(low <= truth <= high), high - low, value - truth]


def laws(sets: int, jobs: int) -> list[dict]:
    """Return one row for each law."""
    rows = []
    for law in LAWS:
        found = simulate(partial(held, law), sets, 0, jobs)
        row = {"held": found[:, 0].mean(), "width": found[:, 1].mean(), "error": found[:, 2].std()}
        rows.append(asdict(law) | {name: float(value) for name, value in row.items()} | {"sets": sets})
        print(rows[-1], flush=True)
    return rows


def real(workspace: Path, name: str, head: str, draws: int) -> dict:
    """Return how often the forecast from half of the training images holds, overall and for the rarest class."""
    from hybrid import make_head_pipeline
    from hybrid.embeddings.embedding_set import load_set
    from hybrid.embeddings.joined_set import join_sets
    from hybrid.pipelines.folds import make_folds
    from hybrid.planning import learning_curve
    from hybrid.planning.fits import Rows, Scored, fit_shares
    from hybrid.planning.nested_shares import nested_shares
    from hybrid.workspace.workspace import Workspace

    joined = join_sets(load_set(Workspace(workspace), name))
    used = joined.split != "test"
    rows = Rows.of(joined.embeddings()[used], joined.y[used], joined.groups_with_copies[used])
    pipeline, found = make_head_pipeline(head), []
    for draw in range(draws):
        train, val = (rows.take(part) for part in make_folds(rows.y, rows.groups, cv=5, random_state=draw)[0])
        half = train.take(nested_shares(train.y, train.groups, np.array([0.5]), draw)[0])
        curve = learning_curve(
            pipeline,
            half.X,
            half.y,
            groups=half.groups,
            validation=(val.X, val.y, val.groups),
            classes=joined.classes.tolist(),
            factor=len(train.y) / len(half.y),
            random_state=draw,
        )
        labels = joined.classes.tolist()
        rarest = labels.index(curve.rarest.label)
        scored = Scored(labels, curve.overall.metric, rarest, None)
        full = fit_shares(
            pipeline, [(train, val)], np.ones(1), scored, seeds=[draw], same_parts=True, n_jobs=None, progress=None
        )[0].scores[0]
        forecasts = [curve.overall.fit, curve.rarest.fit]
        found.append(
            [
                [*fit.target[1:], float(bool(fit.reason)), fit.now[1], true]
                for fit, true in zip(forecasts, full, strict=True)
            ]
        )
        print(draw, np.round(found[-1], 4).tolist(), flush=True)
    return {"set": name, "head": head, "metric": curve.overall.metric} | summary(np.array(found))


def summary(found: np.ndarray) -> dict:
    """Return the share of forecasts that hold, their width, and the errors of the forecast and of no change."""
    result: dict = {"draws": len(found)}
    for number, name in enumerate(("overall", "rarest")):
        value, low, high, refused, now, true = found[:, number].T
        given = refused == 0
        result[name] = {
            "given": int(given.sum()),
            "held": float(((low <= true) & (true <= high))[given].mean()),
            "width": float((high - low)[given].mean()),
            "now": float(now.mean()),
            "true": float(true.mean()),
            "forecast": float(value.mean()),
            "error": float(np.abs(value - true).mean()),
            "error_of_no_change": float(np.abs(now - true).mean()),
        }
    return result


def main() -> None:
    from machine import RESULTS, save

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("laws", "real"))
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--set", dest="name")
    parser.add_argument("--workspace", type=Path, default=Path("hybrid_runs"))
    parser.add_argument("--head", default="softmax")
    parser.add_argument("--draws", type=int, default=40)
    given = parser.parse_args()
    if given.part == "laws":
        result = {"laws": laws(given.sets, given.jobs)}
    else:
        result = {f"{given.name}, {given.head}": real(given.workspace, given.name, given.head, given.draws)}
    path = RESULTS / "learning_curves.json"
    earlier = json.loads(path.read_text()) if path.exists() else {}
    earlier.pop("machine", None)
    save("learning_curves", earlier | result)


if __name__ == "__main__":
    main()
