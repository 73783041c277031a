"""Times of a training step on a CPU in plain Keras with TensorFlow, and after each of three optimizations.

The optimizations are compiled updates of large arrays of weights, memory that is kept for the next step, and matrix
products for convolutions with large kernels on small maps.

    python benchmarks/training.py [--steps 15] [--rounds 3]

The networks are those of the reference recipes, with Adam and batches of 32 images of noise. The variants alternate,
each time in a new process. The first two steps of a round, which trace and compile, are not counted.
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
VARIANTS = ("plain", "compiled", "kept", "multiplied")  # each one includes those before it
BATCH = 32


def step_ms(variant: str, name: str, side: int, steps: int) -> tuple[float, int]:
    """Return the median milliseconds of a training step of a new network, and its number of parameters."""
    from hybrid.extractors.backbones.pretrained import parse_trainable
    from hybrid.extractors.runtimes.keras_import import import_keras
    from hybrid.training import TrainingOptions
    from hybrid.training.convolutions import multiply_small_maps
    from hybrid.training.optimizer import make_optimizer

    import_keras()
    model = parse_trainable(name).build((side, side, 3), 2, False)
    optimizer = make_optimizer(TrainingOptions())
    if variant == "plain":
        optimizer = type(optimizer).from_config(optimizer.get_config())
    if variant == "multiplied":
        multiply_small_maps(model)
    model.compile(optimizer, loss="binary_crossentropy", jit_compile=False)
    optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (BATCH, side, side, 3)).astype(np.uint8)
    y = rng.integers(0, 2, (BATCH, model.output_shape[-1])).astype(np.float32)
    times = [seconds(lambda: model.train_on_batch(X, y)) for _ in range(steps + 2)]
    return 1000 * statistics.median(times[2:]), model.count_params()


def in_a_new_process(variant: str, name: str, side: int, steps: int) -> tuple[float, int]:
    """Return the result of `step_ms` from a new process, because TensorFlow reads its memory settings only once."""
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = str(int(VARIANTS.index(variant) >= VARIANTS.index("kept")))
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(step_ms, variant, name, side, steps).result()


def compared(name: str, side: int, steps: int, rounds: int) -> dict[str, Any]:
    """Return the times of one network in each variant and their speed-ups, as medians over the rounds."""
    measured = [{it: in_a_new_process(it, name, side, steps) for it in VARIANTS} for _ in range(rounds)]
    return {
        "network": name,
        "side": side,
        "parameters": measured[0]["plain"][1],
        "ms": {it: round(statistics.median(times[it][0] for times in measured), 1) for it in VARIANTS},
        "ratio": {
            it: round(statistics.median(times["plain"][0] / times[it][0] for times in measured), 2) for it in VARIANTS
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    results = []
    for name, side in NETWORKS.items():
        results.append(compared(name, side, given.steps, given.rounds))
        print(results[-1], flush=True)
    save("training", {"batch": BATCH, "steps": given.steps, "rounds": given.rounds, "networks": results})


if __name__ == "__main__":
    main()
