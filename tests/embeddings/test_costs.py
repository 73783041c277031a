"""What embeddings cost is what it took to compute them, however often they are found in the cache again."""

import pytest

from hybrid import FeatureExtractor, load_dataset
from hybrid.embeddings.extract import extract_dataset
from hybrid.embeddings.joined_set import join_sets


@pytest.fixture
def extract_pictures(image_folder, tiny_network):
    """Extract the two classes of pictures, as a set."""
    dataset = load_dataset(image_folder)
    return lambda part=dataset: extract_dataset(part, FeatureExtractor(tiny_network))


def test_a_warm_extraction_keeps_the_cost_of_the_cold_one(extract_pictures):
    cold = extract_pictures().record
    assert cold.new == cold.images
    assert cold.cost == cold.seconds
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
    for path in cache.glob("embeddings/*/cost"):
        path.write_text("{}")
    embeddings = extract_pictures()
    assert embeddings.record.cost is None
    assert join_sets(embeddings).cost is None
