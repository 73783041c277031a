"""How long is a training step on a CPU as Keras and TensorFlow do it, and with each of three things more: large arrays
of weights updated by compiled code; memory kept for the next step; large kernels on small maps as products of matrices?

    python benchmarks/training.py [--steps 15] [--rounds 3]

Networks of the reference recipes, batches of 32 images made of noise, Adam; the ways take turns, each time in a new
process, and the first two steps of a round, which trace and compile, are not counted.
"""

import argparse
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from machine import save, seconds

NETWORKS = {
    "dense_128": 224,
    "dense_64_64_64": 224,
    "convnet_wide": 64,
    "convnet_growing": 64,
    "convnet_double": 64,
    "convnet_three_pairs": 64,
    "resnet_small": 64,
}
WAYS = ("plain", "compiled", "kept", "multiplied")  # each with those before it
BATCH = 32


def step_ms(way: str, name: str, side: int, steps: int) -> tuple[float, int]:
    """Return the median milliseconds of a training step of a new network, and its parameters."""
    from hybrid.extractors.backbones.pretrained import parse_trainable
    from hybrid.extractors.runtimes.keras_import import import_keras
    from hybrid.training import TrainingOptions
    from hybrid.training.convolutions import multiply_small_maps
    from hybrid.training.optimizer import make_optimizer

    import_keras()
    model = parse_trainable(name).build((side, side, 3), 2, False)
    optimizer = make_optimizer(TrainingOptions())
    if way == "plain":
        optimizer = type(optimizer).from_config(optimizer.get_config())
    if way == "multiplied":
        multiply_small_maps(model)
    model.compile(optimizer, loss="binary_crossentropy", jit_compile=False)
    optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (BATCH, side, side, 3)).astype(np.uint8)
    y = rng.integers(0, 2, (BATCH, model.output_shape[-1])).astype(np.float32)
    times = [seconds(lambda: model.train_on_batch(X, y)) for _ in range(steps + 2)]
    return 1000 * statistics.median(times[2:]), model.count_params()


def in_a_new_process(way: str, name: str, side: int, steps: int) -> tuple[float, int]:
    """Return what `step_ms` returns of one way; TensorFlow reads once how it is to take memory."""
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = str(int(WAYS.index(way) >= WAYS.index("kept")))
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(step_ms, way, name, side, steps).result()


def compared(name: str, side: int, steps: int, rounds: int) -> dict[str, Any]:
    """Return the times of one network in each way, and their ratios, medians over the rounds."""
    found = [{way: in_a_new_process(way, name, side, steps) for way in WAYS} for _ in range(rounds)]
    return {
        "network": name,
        "side": side,
        "parameters": found[0]["plain"][1],
        "ms": {way: round(statistics.median(times[way][0] for times in found), 1) for way in WAYS},
        "ratio": {
            way: round(statistics.median(times["plain"][0] / times[way][0] for times in found), 2) for way in WAYS
        },
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
