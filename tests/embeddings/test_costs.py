"""What embeddings cost is what their passes took, however often they are found in the cache again."""

import json
import re

import pytest

from hybrid import FeatureExtractor, load_dataset
from hybrid.embeddings.extract import extract_dataset, extract_sets
from hybrid.embeddings.joined_set import join_sets
from hybrid.extractors.store.shards import write_rows


@pytest.fixture
def extract_pictures(image_folder, tiny_network):
    """Extract the two classes of pictures, as a set."""
    dataset = load_dataset(image_folder)
    return lambda part=dataset: extract_dataset(part, FeatureExtractor(tiny_network))


def test_a_warm_extraction_keeps_the_cost_of_the_cold_one(extract_pictures):
    cold = extract_pictures().record
    assert cold.new == cold.images
    assert 0 < cold.cost < cold.seconds  # which also contains loading the network
    warm = extract_pictures().record
    assert (warm.new, warm.cost) == (0, cold.cost)
    assert warm.seconds < cold.seconds


def test_the_cost_of_some_images_is_their_share(extract_pictures, image_folder):
    whole = extract_pictures().record
    dataset = load_dataset(image_folder)
    part = extract_pictures(dataset.take(dataset.split != "val")).record
    assert part.cost == pytest.approx(whole.cost * part.images / whole.images, abs=2e-3)


def test_what_is_not_known_is_not_nothing(extract_pictures, cache):
    extract_pictures()
    for path in cache.glob("embeddings/*/" + "[0-9a-f]" * 32 + ".json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"passes": []}))
    embeddings = extract_pictures()
    assert embeddings.record.cost is None
    assert join_sets(embeddings).cost is None


def test_layers_of_one_pass_are_paid_once(image_folder, tiny_network):
    """A model on both layers costs the deeper one; each alone costs the network up to it."""
    extractor = FeatureExtractor(tiny_network, ["conv_a", "hidden"])
    shallow, deep = extract_sets(load_dataset(image_folder), extractor, each_layer=True)
    assert 0 < shallow.record.cost < deep.record.cost
    assert 0 < shallow.record.processor < deep.record.processor
    both = join_sets([shallow, deep])
    assert both.cost == pytest.approx(deep.record.cost, abs=1e-3)
    assert both.processor == pytest.approx(deep.record.processor, abs=1e-3)
    assert [one.cuts for one in both.passes] == [2]
    again = join_sets(extract_sets(load_dataset(image_folder), extractor, each_layer=True)[::-1])
    assert again.cost == both.cost


def test_layers_of_two_passes_are_paid_twice(image_folder, tiny_network):
    dataset = load_dataset(image_folder)
    one, other = (extract_dataset(dataset, FeatureExtractor(tiny_network, layer)) for layer in ("conv_a", "hidden"))
    assert join_sets([one, other]).cost == pytest.approx(one.record.cost + other.record.cost, abs=2e-3)


@pytest.mark.medium
def test_the_command_says_that_layers_came_from_one_pass(hybrid, image_folder, tiny_network):
    layers = ("--layer", "conv_a", "--layer", "hidden", "--each-layer")
    said = hybrid("extract", image_folder, "--backbone", tiny_network, *layers)
    assert (
        "One pass computed several layers: each costs reading and decoding the images, and the network up to it" in said
    )


@pytest.mark.medium
def test_the_command_shows_both_the_time_of_the_run_and_the_cost(hybrid, image_folder, tiny_network, monkeypatch):
    """With a clock that stands still except while a shard is written."""
    seconds = [0.0]
    monkeypatch.setattr("hybrid.progress.read_clocks", lambda: (seconds[0], 3 * seconds[0]))

    def write(*arguments, original=write_rows):
        seconds[0] += 7.0
        return original(*arguments)

    monkeypatch.setattr("hybrid.extractors.store.store.write_rows", write)
    for run in ("7.0", "0.0"):
        said = hybrid("extract", image_folder, "--backbone", tiny_network)
        lines = said.splitlines()
        start = next(number for number, line in enumerate(lines) if "run s" in line)
        heads, values = (re.split(r"\s{2,}", line.strip()) for line in (lines[start], lines[start + 2]))
        row = dict(zip(heads, values, strict=True))
        assert (row["run s"], row["cost s"], row["processor s"]) == (run, "7.0", "21.0")
        assert "run s is the time of this run; cost s is the time in which the features" in said
