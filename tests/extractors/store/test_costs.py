"""The time of each pass of a network is recorded beside the rows that it computed. The clock of these tests is made."""

import json
import threading

import numpy as np
import pytest
from made_store import IDENTITY, Means, images_of, run

from hybrid.extractors.extraction import extract
from hybrid.extractors.images.digests import FileDigests
from hybrid.extractors.images.source import ImageSource
from hybrid.extractors.runtimes.base import KerasRuntime
from hybrid.extractors.store.cost import Pass, shares, together, total
from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.manage import collect_garbage
from hybrid.extractors.store.store import EmbeddingStore

HASHING, LOADING = 1000.0, 5000.0  # seconds for each run
DECODING, NETWORK = 0.25, 1.0  # seconds for each image
WRITING = 0.5  # seconds for each shard


class Clock:
    """A clock that moves only when it is told to; two processors are busy whenever it moves."""

    def __init__(self):
        self.seconds, self._lock, self._thread = 0.0, threading.Lock(), threading.local()

    def spend(self, seconds):
        with self._lock:  # images are decoded in several threads
            self.seconds += seconds
        self._thread.seconds = self.of_thread() + 2 * seconds

    def __call__(self):
        return self.seconds, 2 * self.seconds

    def of_thread(self):
        return getattr(self._thread, "seconds", 0.0)


@pytest.fixture
def made_clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("hybrid.progress.read_clocks", clock)
    monkeypatch.setattr("hybrid.progress.read_thread_clock", clock.of_thread)

    def write(*arguments, original=EmbeddingStore.write):
        clock.spend(WRITING)
        return original(*arguments)

    monkeypatch.setattr(EmbeddingStore, "write", write)
    return clock


class SlowImages(ImageSource):
    """Images whose digests and pixels take time."""

    def __init__(self, images, clock):
        super().__init__(images)
        self.clock = clock

    def digests(self, files):
        self.clock.spend(HASHING)
        return super().digests(files)

    def decode(self, *arguments):
        self.clock.spend(DECODING)
        return super().decode(*arguments)


class SlowMeans(Means):
    """A stand-in for a network that takes time for each image."""

    def __init__(self, clock, seconds=NETWORK):
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def stream(self, batches):
        for pixels in batches:
            self.clock.spend(self.seconds * len(pixels))
            yield self(pixels)


@pytest.fixture
def extract_slowly(made_clock, cache):
    """Extract images with a network that takes this many seconds for each image."""

    def extract_slowly(images, seconds=NETWORK):
        def load(wanted):
            made_clock.spend(LOADING)
            return SlowMeans(made_clock, seconds)

        store = EmbeddingStore(cache, IDENTITY)
        [done] = extract(SlowImages(images, made_clock), [store], FileDigests(), load)
        return done

    return extract_slowly


def cost(images, seconds=NETWORK):
    return images * (DECODING + seconds) + WRITING


def test_the_cost_is_that_of_decoding_network_and_writing_only(extract_slowly):
    done = extract_slowly(images_of(10))
    assert done.cost == pytest.approx(cost(10))
    assert done.seconds == pytest.approx(HASHING + LOADING + cost(10))


def test_stored_rows_cost_what_new_ones_cost(extract_slowly):
    images = images_of(10)
    fresh, cached = extract_slowly(images), extract_slowly(images)
    assert (cached.new, cached.cost) == (0, pytest.approx(fresh.cost))
    assert cached.seconds == HASHING


def test_other_images_of_the_same_extractor_do_not_change_the_cost(extract_slowly):
    """An average over all that an extractor ever did would mix fast and slow passes."""
    images = images_of(10)
    extract_slowly(images)
    extract_slowly(images_of(6, seed=1), seconds=50.0)
    assert extract_slowly(images).cost == pytest.approx(cost(10))
    both = extract_slowly(np.concatenate([images, images_of(6, seed=1)]))
    assert both.cost == pytest.approx(cost(10) + cost(6, 50.0))
    assert sorted(one.rows for one in both.passes) == [6, 10]


def test_a_part_of_the_images_costs_its_share_and_copies_cost_nothing(extract_slowly):
    images = images_of(10)
    extract_slowly(images)
    assert extract_slowly(images[:4]).cost == pytest.approx(0.4 * cost(10))
    assert extract_slowly(images[[0, 1, 2, 3, 3, 3]]).cost == pytest.approx(0.4 * cost(10))


@pytest.mark.parametrize("full", [4, 6])
def test_every_shard_of_a_pass_has_its_own_time(extract_slowly, monkeypatch, full):
    monkeypatch.setattr("hybrid.extractors.extraction._SHARD_ROWS", full)
    done = extract_slowly(images_of(10))
    shards = {4: 3, 6: 2}[full]  # of 4, 4 and 2 images; of 8 and 2, since a batch has 4
    assert done.cost == pytest.approx(10 * (DECODING + NETWORK) + shards * WRITING)
    assert len(done.passes) == 1


def test_both_measures_are_stored(extract_slowly):
    [found] = extract_slowly(images_of(10)).passes
    assert (found.rows, found.wall, found.processor) == (10, pytest.approx(cost(10)), pytest.approx(2 * cost(10)))


def test_a_pass_that_fails_has_its_cost_too(extract_slowly, monkeypatch, made_clock, cache):
    images = images_of(10)
    failing = SlowMeans(made_clock)

    def stream(batches):
        yield from SlowMeans.stream(failing, (batch for _, batch in zip(range(2), batches, strict=False)))
        raise RuntimeError("stopped")

    failing.stream = stream
    with pytest.raises(RuntimeError, match="stopped"):
        extract(
            SlowImages(images, made_clock), [EmbeddingStore(cache, IDENTITY)], FileDigests(), lambda wanted: failing
        )
    done = extract_slowly(images)
    assert (done.cached, done.new) == (8, 2)
    assert 0 < done.cost < cost(10) + 10 * DECODING + WRITING + 1e-9
    assert len(done.passes) == 2


def test_merged_shards_keep_the_cost_of_each_row(extract_slowly, cache):
    """Also where a shard is divided, or loses rows that are stored twice."""
    first, second = images_of(10), images_of(6, seed=1)
    extract_slowly(first)
    extract_slowly(second, seconds=50.0)
    store = EmbeddingStore(cache, IDENTITY)
    copies = extract_slowly(first[:3]).keys
    store.append(copies, store.gather(copies))
    merged = list(collect_garbage(cache))
    assert any("3 duplicate rows" in one.reason for one in merged)
    assert extract_slowly(first[3:]).cost == pytest.approx(0.7 * cost(10))
    assert extract_slowly(second).cost == pytest.approx(cost(6, 50.0))


def test_merged_shards_are_divided_with_their_costs(extract_slowly, cache, monkeypatch):
    monkeypatch.setattr("hybrid.extractors.store.compaction.full_shard", lambda width: 12)
    extract_slowly(images_of(5))
    extract_slowly(images_of(5, seed=1), seconds=50.0)
    extract_slowly(images_of(5, seed=2), seconds=7.0)
    assert list(collect_garbage(cache))
    for seed, seconds in enumerate((NETWORK, 50.0, 7.0)):
        assert extract_slowly(images_of(5, seed=seed)).cost == pytest.approx(cost(5, seconds))


def without_records(cache):
    """Make the shards look like those of an earlier version, which recorded no passes; return the store's folder."""
    [folder] = (cache / "embeddings").iterdir()
    for path in folder.glob("[0-9a-f]" * 32 + ".json"):
        record = json.loads(path.read_text())
        del record["passes"]
        path.write_text(json.dumps(record))
    return folder


def test_the_average_that_earlier_versions_recorded_is_read(extract_slowly, cache):
    extract_slowly(images_of(10))
    (without_records(cache) / "cost").write_text('{"rows": 20, "seconds": 60.0}')
    [found] = extract_slowly(images_of(10)).passes
    assert (found.name, found.wall, found.processor) == ("", 30.0, None)
    both = extract_slowly(images_of(12, seed=1)[10:])
    assert both.cost == pytest.approx(cost(2))


@pytest.mark.parametrize("former", [None, "{}", "[]", '{"rows": 0, "seconds": 1}', "broken"])
def test_without_any_record_the_cost_is_not_known(extract_slowly, cache, former):
    extract_slowly(images_of(3))
    folder = without_records(cache)
    if former is not None:
        (folder / "cost").write_text(former)
    assert extract_slowly(images_of(3)).cost is None


@pytest.mark.parametrize("wrong", [[{}], 5, [{"rows": -1, "pass": "a", "wall": 1, "processor": 1}], [{"rows": "x"}]])
def test_damaged_records_of_passes_do_no_harm(cache, wrong):
    images = images_of(3)
    run(images, cache)
    [path] = (cache / "embeddings").glob("*/" + "[0-9a-f]" * 32 + ".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"passes": wrong}))
    done, _ = run(images, cache)
    assert (done.cached, done.cost) == (3, None)


class Cuts(Means):
    """Stands in for a network with two cuts, each of two columns."""

    def __call__(self, pixels):
        return np.tile(super().__call__(pixels), 2)


@pytest.fixture
def extract_cuts(made_clock, cache):
    """Extract a shallow and a deep cut, with these numbers of multiply-adds, in one pass."""

    def extract_cuts(images, multiply_adds=(25, 100)):
        made_clock.spend(LOADING)
        named = zip(("shallow", "deep"), multiply_adds, strict=True)
        identities = [Identity({**IDENTITY.fields, "layers": [name]}, (2,), None, number) for name, number in named]
        network = Cuts()
        network.stream = lambda batches: map(network, slowed(batches))

        def slowed(batches):
            for pixels in batches:
                made_clock.spend(NETWORK * len(pixels))
                yield pixels

        stores = [EmbeddingStore(cache, one) for one in identities]
        return extract(SlowImages(images, made_clock), stores, FileDigests(), lambda wanted: network)

    return extract_cuts


def test_a_cut_of_a_joint_pass_costs_what_it_would_cost_alone(extract_cuts):
    """All images are decoded for it, and a part of the network is run, as large as its part of the multiply-adds."""
    shallow, deep = extract_cuts(images_of(10))
    rest = 10 * NETWORK + 2 * WRITING
    assert deep.cost == pytest.approx(10 * DECODING + rest)
    assert shallow.cost == pytest.approx(10 * DECODING + 0.25 * rest)
    assert shallow.processor == pytest.approx(2 * shallow.cost)
    assert [one.cuts for done in (shallow, deep) for one in done.passes] == [2, 2]
    again = extract_cuts(images_of(10))
    assert [done.cost for done in again] == pytest.approx([shallow.cost, deep.cost])


def test_a_joint_pass_is_counted_once(extract_cuts, extract_slowly):
    shallow, deep = extract_cuts(images_of(10))
    both = together([shallow.passes, deep.passes])
    assert total(one.wall for one in both) == deep.cost
    other = extract_slowly(images_of(10))
    assert total(one.wall for one in together([shallow.passes, other.passes])) == shallow.cost + other.cost


def test_passes_without_a_name_are_all_counted():
    former = Pass("", 10, 3.0, None)
    assert together([[former], [former]]) == [former, former]


@pytest.mark.parametrize("multiply_adds", [(None, 100), (None, None), (0, 0)])
def test_without_the_multiply_adds_each_cut_costs_the_whole_pass(extract_cuts, multiply_adds):
    shallow, deep = extract_cuts(images_of(10), multiply_adds)
    assert shallow.cost == deep.cost == pytest.approx(10 * (DECODING + NETWORK) + 2 * WRITING)


@pytest.mark.parametrize("decoding", [0.0, 0.3, 1.0])
def test_a_shallow_cut_is_never_dearer_than_a_deeper_one(decoding):
    found = shares([3, 10, 10, 500, 501], decoding)
    assert found == sorted(found)
    assert (found[1] == found[2], found[-1]) == (True, 1.0)
    assert all(share >= decoding for share in found)


def test_keras_compiles_a_network_before_its_first_pass():
    """A first batch compiles it. OpenVINO compiles it when it is opened."""
    batches = []

    class Model:
        input_shape = (None, 4, 4, 3)

        def predict_on_batch(self, pixels):
            batches.append(pixels.copy())
            return pixels.mean(axis=(1, 2))

    model = Model()
    runtime = KerasRuntime(model, 8)
    [black] = batches
    assert (black.shape, black.dtype, black.max()) == ((8, 4, 4, 3), np.uint8, 0)
    KerasRuntime(model, 8)
    assert len(batches) == 1  # it is compiled already
    assert [len(rows) for rows in runtime.stream([images_of(5)])] == [5]
    assert len(batches) == 2
