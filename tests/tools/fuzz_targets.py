"""What is fuzzed: images through the loader, saved models through load and predict, networks, text that anybody writes.

Each function runs its cases in the process it is called in, which may fork, and prints the counts.
"""

import hashlib
import io
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import fuzz
import numpy as np
from made_dicom import dicom
from mutations import array_bytes, mutate_array, mutate_bytes, mutate_json, mutate_text, seal_png
from paths import ROOT
from PIL import Image
from zoo import PIXELS, rgb, zoo

from hybrid.errors import InputError

COLUMNS = 8


def images(folder: str, count: int, first: int = 0) -> None:
    """Mutated images of eight formats, read from a file as an extraction reads them."""
    from hybrid.extractors.images.decoding import INTERPOLATIONS, read_bytes
    from hybrid.extractors.images.formats import HEAD_BYTES, has_more_frames, sniff_format
    from hybrid.extractors.images.source import ImageSource

    path = Path(folder, "image")
    whole = [rgb(kind) for kind in ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "PPM")] + [dicom(PIXELS[..., 0])]
    made = Path(folder, "made")
    kinds: dict[str | None, list[bytes]] = {sniff_format(data[:HEAD_BYTES]): [data] for data in whole}
    for beast in zoo(made):
        if "." in beast.name and beast.verdict == "read" and beast.name.isascii() and "/" not in beast.name:
            if beast.name.startswith("link"):
                continue
            beast.make(made)
            kinds[sniff_format(made.read_bytes()[:HEAD_BYTES])].append(made.read_bytes())
    names = sorted(map(str, kinds))

    def case(seed: int) -> str:
        rng = Random(seed)
        samples = kinds[names[seed % len(names)]]
        data = mutate_bytes(rng, rng.choice(samples), rng.choice(samples))
        data = seal_png(data) if data.startswith(b"\x89PNG") and rng.random() < 0.7 else data
        path.write_bytes(data)
        has_more_frames(read_bytes(str(path)))
        size, channels = rng.choice(((32, 32), (1, 1), (224, 17))), rng.choice((1, 3))
        _, pixels = ImageSource([str(path)]).decode(0, size, channels, rng.choice(list(INTERPOLATIONS)))
        assert pixels.shape == (*size, channels)
        assert pixels.dtype == np.uint8
        return "read"

    _print("images", names, fuzz.run(case, range(first, first + count), Path(folder)))


# --- saved models


def models(folder: str, count: int, first: int = 0) -> None:
    """Saved models of `folder` whose files were changed and hashed anew, loaded, and asked to predict."""
    import hybrid.pipelines.saved.booster
    import hybrid.pipelines.saved.load
    from hybrid.models.predict import predict_checked
    from hybrid.pipelines import load_model

    assert hybrid.pipelines.saved.booster
    X = np.random.default_rng(5).normal(size=(20, COLUMNS)).astype(np.float32)
    bases = [SavedModel(path.parent) for path in sorted(Path(folder).glob("*/manifest.json"))]
    place = Path(folder, "mutated")

    def case(seed: int) -> str:
        rng = Random(seed)
        base = bases[seed % len(bases)]
        base.write_mutated(rng, place)
        pipeline = load_model(place)
        head = pipeline[1:] if base.manifest["extractors"] else pipeline
        proba, predicted = predict_checked(head, X, base.manifest["classes"])
        assert len(proba) == len(predicted) == len(X)
        return "read"

    _print("models", [base.name for base in bases], fuzz.run(case, range(first, first + count), Path(folder)))


class SavedModel:
    """A saved model, in parts that can be changed one at a time."""

    def __init__(self, folder: Path):
        self.name, self.folder = folder.name, folder
        self.manifest = json.loads((folder / "manifest.json").read_bytes())
        self.files = {name: (folder / name).read_bytes() for name in self.manifest["files"]}
        self.members = unzipped(self.files["head.skops"])
        self.trees = unzipped(self.files["trees/0.npz"]) if "trees/0.npz" in self.files else {}
        self.schema = json.loads(self.members["schema.json"])
        self.arrays = [name for name in self.members if name.endswith(".npy")]

    def write_mutated(self, rng: Random, place: Path) -> None:
        """Write the model with one part changed, and with checksums that fit."""
        shutil.rmtree(place, ignore_errors=True)
        files, manifest = dict(self.files), dict(self.manifest)
        boosters = [name for name in files if name.startswith("boosters/")]
        part = rng.random()
        if boosters and part < 0.5:
            name = rng.choice(boosters)
            files[name] = json.dumps(mutate_json(rng, json.loads(files[name]))).encode()
        elif self.trees and part < 0.5:
            files["trees/0.npz"] = zipped(_with_mutated_arrays(rng, self.trees, list(self.trees)))
        elif part < 0.85:
            files["head.skops"] = self._head(rng)
        elif part < 0.95:
            manifest = mutate_json(rng, {key: value for key, value in manifest.items() if key != "schema"})
            manifest = (manifest if isinstance(manifest, dict) else {}) | {"schema": self.manifest["schema"]}
        else:
            name = rng.choice(list(files))
            files[name] = mutate_bytes(rng, files[name])
        for name, data in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        write_manifest(place, manifest, files)

    def _head(self, rng: Random) -> bytes:
        if self.arrays and rng.random() < 0.4:
            return zipped(_with_mutated_arrays(rng, self.members, self.arrays))
        return zipped(self.members | {"schema.json": json.dumps(mutate_json(rng, self.schema)).encode()})


def _with_mutated_arrays(rng: Random, members: dict[str, bytes], arrays: list[str]) -> dict[str, bytes]:
    """Return the members of an archive with one or two of its .npy files changed."""
    mutated = dict(members)
    for name in rng.sample(arrays, min(len(arrays), rng.choice((1, 1, 2)))):
        data = array_bytes(mutate_array(rng, np.load(io.BytesIO(mutated[name]), allow_pickle=False)))
        mutated[name] = mutate_bytes(rng, data) if rng.random() < 0.1 else data
    return mutated


def unzipped(data: bytes) -> dict[str, bytes]:
    """Return the content of each member of a .zip, by its name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a .zip of members given by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def write_manifest(place: Path, manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    from hybrid.extractors.store.identity import fingerprint

    manifest.pop("sha256", None)
    if isinstance(manifest.get("files"), dict):
        for name, data in files.items():
            if name in manifest["files"]:
                manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    text = json.dumps(manifest | {"sha256": fingerprint(manifest)})
    (place / "manifest.json").write_text(text, encoding="utf-8", errors="surrogatepass")


# --- networks


def networks(folder: str, network: str, count: int, first: int = 0) -> None:
    """Mutated `.keras` files, looked at, and built by Keras where nothing was found."""
    from hybrid.extractors.backbones.load import load_keras_file

    path = Path(folder, "mutated.keras")
    with zipfile.ZipFile(network) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])

    def case(seed: int) -> str:
        rng = Random(seed)
        changed = {
            "config.json": json.dumps(mutate_json(rng, config)).encode(),
            "model.weights.h5": mutate_bytes(rng, members["model.weights.h5"]),
        }
        name = rng.choice(list(changed))
        with zipfile.ZipFile(path, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            for member, data in (members | {name: changed[name]}).items():
                archive.writestr(member, data)
        if rng.random() < 0.3:
            path.write_bytes(mutate_bytes(rng, path.read_bytes()))
        assert load_keras_file(path).layers
        return "read"

    _print(
        "networks", ["configuration", "weights", "archive"], fuzz.run(case, range(first, first + count), Path(folder))
    )


# --- text


def texts(folder: str, count: int, first: int = 0) -> None:
    """Manifests of models, recipes, tables of images, archives of arrays, and the command line's small languages."""
    kinds = [_manifests(folder), _recipes(folder), _tables(folder), _archives(folder), _words(folder)]

    def case(seed: int) -> str:
        kinds[seed % len(kinds)](Random(seed))
        return "read"

    names = ["manifests", "recipes", "tables", "archives", "descriptions and augmentations"]
    _print("texts", names, fuzz.run(case, range(first, first + count), Path(folder)))


def _manifests(folder: str) -> Callable[[Random], object]:
    from hybrid.cli import inspect as command
    from hybrid.pipelines.saved.inspect import inspect_model
    from hybrid.pipelines.saved.network import load_extractor

    bases = [SavedModel(path.parent) for path in sorted(Path(folder).glob("*/manifest.json"))]
    place = Path(folder, "inspected", "model")  # not beside the models, where it would be taken for one
    place.mkdir(parents=True)

    def read(rng: Random) -> None:
        base = rng.choice(bases)
        text = mutate_text(rng, json.dumps(base.manifest, indent=1)) if rng.random() < 0.2 else None
        if text is not None:
            (place / "manifest.json").write_bytes(text)
        else:
            value = mutate_json(rng, base.manifest)
            if not isinstance(value, dict):
                raise InputError("no object")
            write_manifest(place, value, base.files)
        found = inspect_model(place)
        command._show(found)
        for record in found.manifest.extractors:
            load_extractor(record, place)

    return read


def _recipes(folder: str) -> Callable[[Random], object]:
    from hybrid.recipes import read_recipe

    bases = [path.read_text() for path in sorted((ROOT / "recipes").glob("*.toml"))]
    path = Path(folder, "recipe.toml")

    def read(rng: Random) -> None:
        path.write_bytes(mutate_text(rng, rng.choice(bases)))
        read_recipe(path, quick=rng.random() < 0.3)

    return read


def _tables(folder: str) -> Callable[[Random], object]:
    from hybrid.datasets import load_dataset

    place = Path(folder, "tables")
    (place / "images").mkdir(parents=True)
    rows = ["path,label,split,patient"]
    for number in range(30):
        Image.new("L", (8, 8), number).save(place / "images" / f"{number}.png")
        rows.append(f"images/{number}.png,{'ab'[number % 2]},{('train', 'val', 'test')[number % 3]},p{number // 2}")
    base, path = "\n".join(rows) + "\n", place / "table.csv"

    def read(rng: Random) -> None:
        path.write_bytes(mutate_text(rng, base.replace(",", rng.choice(",,;\t|"))))
        given = rng.choice(({}, {"on_bad": "skip"}, {"label": "label"}, {"group_column": "patient", "on_bad": "skip"}))
        repr(load_dataset(path, **given))

    return read


def _archives(folder: str) -> Callable[[Random], object]:
    from hybrid.datasets import load_dataset

    images, labels = np.arange(40 * 64, dtype=np.uint8).reshape(40, 8, 8), np.arange(40)[:, None] % 2
    path = Path(folder, "set.npz")

    def read(rng: Random) -> None:
        arrays = {"train_images": images, "train_labels": labels, "test_images": images[:5], "test_labels": labels[:5]}
        name = rng.choice(list(arrays))
        members = {f"{key}.npy": array_bytes(array) for key, array in arrays.items()}
        changed = array_bytes(mutate_array(rng, arrays[name]))
        members[f"{name}.npy"] = rng.choice((changed, mutate_bytes(rng, members[f"{name}.npy"])))
        with zipfile.ZipFile(path, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
            for member, data in members.items():
                archive.writestr(member, data)
        if rng.random() < 0.3:
            path.write_bytes(mutate_bytes(rng, path.read_bytes()))
        repr(load_dataset(path))

    return read


def _words(folder: str) -> Callable[[Random], object]:
    from hybrid.datasets.parts.split import parse_fractions
    from hybrid.extractors.backbones.description import parse_description
    from hybrid.extractors.backbones.table import parse_backbone
    from hybrid.extractors.images.augment import Augmentation
    from hybrid.extractors.images.views import Views

    network = "conv 32 5x3 same\npool 2 stride 1\nresidual 64 stride 2\ndropout 0.5\nlstm 12 sequences\noutput sigmoid"
    views = {"number": 3, "augmentation": {"policy": 2, "operations": [["rotate", 15], ["flip", 0.5]]}, "seed": 0}

    def read(rng: Random) -> None:
        match rng.randrange(5):
            case 0:
                parse_description(mutate_text(rng, network).decode(errors="replace").split("\n"))
            case 1:
                Augmentation.parse([mutate_text(rng, "rotate=15,flip,zoom=0.1,light").decode(errors="replace")])
            case 2:
                parse_backbone(mutate_text(rng, "resnet_small:width=24,standardize=true").decode(errors="replace"))
            case 3:
                parse_fractions(mutate_text(rng, "70/15/15").decode(errors="replace"))
            case _:
                Views.from_fields(mutate_json(rng, views))

    return read


def _print(what: str, kinds: list[str], counts: Counter[str]) -> None:
    total = sum(counts.values())
    print(f"{total} mutated {what} ({', '.join(kinds)}): {counts['read']} read, {counts['refused']} refused "
          "in a sentence; no signal, no case over 10 s, no memory over 2 GB, nothing written outside")  # fmt: skip
