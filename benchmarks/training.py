"""How long is a training step with Keras's own update of the weights, and with large arrays of weights compiled?

    python benchmarks/training.py [--steps 15] [--rounds 3]

Networks of the reference recipes, batches of 32 images made of noise, Adam; the two optimizers take turns, each round
with new networks, and the first two steps of a round, which trace and compile, are not counted.
"""

import argparse
import statistics
from typing import Any

import numpy as np
from machine import save, seconds

NETWORKS = {"dense_128": 224, "dense_64_64_64": 224, "convnet_wide": 64, "convnet_three_pairs": 64}
BATCH = 32


def step_seconds(name: str, side: int, compiled: bool, steps: int) -> tuple[float, int]:
    """Return the median seconds of a training step of a new network, and its parameters."""
    from hybrid.extractors.keras_import import import_keras
    from hybrid.extractors.pretrained import parse_trainable
    from hybrid.training import TrainingOptions
    from hybrid.training.optimizer import make_optimizer

    import_keras()
    model = parse_trainable(name).build((side, side, 3), 2, False)
    optimizer = make_optimizer(TrainingOptions())
    if not compiled:
        optimizer = type(optimizer).from_config(optimizer.get_config())
    model.compile(optimizer, loss="binary_crossentropy", jit_compile=False)
    optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (BATCH, side, side, 3)).astype(np.uint8)
    y = rng.integers(0, 2, (BATCH, model.output_shape[-1])).astype(np.float32)
    times = [seconds(lambda: model.train_on_batch(X, y)) for _ in range(steps + 2)]
    return statistics.median(times[2:]), model.count_params()


def compared(name: str, side: int, steps: int, rounds: int) -> dict[str, Any]:
    """Return both times of one network, and their ratio, medians over the rounds."""
    pairs = [[step_seconds(name, side, compiled, steps) for compiled in (False, True)] for _ in range(rounds)]
    return {
        "network": name,
        "side": side,
        "parameters": pairs[0][0][1],
        "keras_ms": round(1000 * statistics.median(own[0] for own, _ in pairs), 1),
        "compiled_ms": round(1000 * statistics.median(ours[0] for _, ours in pairs), 1),
        "ratio": round(statistics.median(own[0] / ours[0] for own, ours in pairs), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    found = []
    for name, side in NETWORKS.items():
        found.append(compared(name, side, given.steps, given.rounds))
        print(found[-1], flush=True)
    save("training", {"batch": BATCH, "steps": given.steps, "rounds": given.rounds, "networks": found})


if __name__ == "__main__":
    main()
