"""A trained network in the workspace."""

from datetime import UTC, datetime
from pathlib import Path

from hybrid.datasets import Dataset
from hybrid.extractors.backbones.pretrained import Trainable, parse_trainable
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.files import replace_folder, write_atomic
from hybrid.training.options import TrainedNetwork, TrainingOptions
from hybrid.workspace.training_record import TrainingRecord
from hybrid.workspace.workspace import BEST_NETWORK, LAST_NETWORK, TRAINING_KEYS, TRAINING_RECORD


def save_network(
    trained: TrainedNetwork, folder: Path, arch: str | Trainable, dataset: Dataset, options: TrainingOptions
) -> Path:
    """Write a trained network's folder and return the path of the best epoch's network.

    Besides ``network.keras`` and ``last.keras``, the networks of the best and the last epoch, it holds
    ``training.json`` (with the history), ``curves.png``, and the digests of the images that were looked at.
    """
    from hybrid.plots import save_figure, training_curves

    network = parse_trainable(arch) if isinstance(arch, str) else arch
    shape = trained.model.input_shape[1:]
    with replace_folder(folder) as new:
        trained.model.save(new / BEST_NETWORK)
        trained.last.save(new / LAST_NETWORK)
        seen = dataset.take(dataset.split != "test")
        keys, _ = ImageSource(seen.X).digests(FileDigests())
        write_atomic(new / TRAINING_KEYS, lambda file: file.write(keys.tobytes()))
        title = f"{network.label} on {dataset.name}"
        save_figure(training_curves(trained.history, title=title), new / "curves.png")
        record = TrainingRecord(
            arch=network.label,
            description=tuple(network.lines(shape)),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            dataset={"name": dataset.name, "source": dataset.source, "notes": list(dataset.notes)},
            input_shape=tuple(shape),
            classes=tuple(dataset.classes.tolist()),
            parameters=trained.model.count_params(),
            options=options.to_dict(),
            best_epoch=trained.best_epoch,
            seconds=round(trained.seconds, 3),
            processor=None if trained.processor is None else round(trained.processor, 3),
            waiting=round(trained.waiting, 4),
            history=trained.history,
        )
        record.write(new / TRAINING_RECORD)
    return folder / BEST_NETWORK
