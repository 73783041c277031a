"""A part of a dataset: jobs that share the cache extract one part each, and the command without --part finds them."""

import pytest

from hybrid.embeddings.part import Part
from hybrid.errors import InputError


@pytest.mark.network
def test_all_parts_together_leave_nothing_to_compute(hybrid, image_folder, tiny_network, computed, tmp_path):
    command = ["extract", image_folder, "--backbone", tiny_network]
    parts = [hybrid.json(*command, "--part", f"{number}/7") for number in range(1, 8)]
    assert [one["part"] for one in parts] == [{"number": number, "count": 7} for number in range(1, 8)]
    assert {one["images"] for one in parts} == {8, 9}
    assert sum(one["images"] for one in parts) == sum(one["new"] for one in parts) == sum(computed) == 60
    assert not (tmp_path / "hybrid_runs").exists(), "a part is no embedding set"
    whole = hybrid.json(*command)
    assert (whole["new"], whole["cached"], sum(computed)) == (0, 60, 60)


@pytest.mark.network
def test_a_part_with_views_and_layers_computes_what_the_whole_needs(hybrid, image_folder, tiny_network, computed):
    command = ["extract", image_folder, "--backbone", tiny_network, "--views", "2"]
    command += ["--layer", "base/conv_a", "--layer", "penultimate", "--each-layer"]
    said = hybrid(*command, "--part", "1/2") + hybrid(*command, "--part", "2/2")
    assert "Part 2 of 2: 30 images" in said
    assert "run the same command without --part" in said
    before = sum(computed)
    assert [one["new"] for one in hybrid.json(*command)["sets"]] == [0, 0]
    assert sum(computed) == before


@pytest.mark.network
def test_a_damaged_image_is_named_only_by_the_part_that_has_it(hybrid, image_folder, tiny_network):
    damaged = sorted(image_folder.rglob("*.png"))[0]
    damaged.write_bytes(b"no image")
    command = ["extract", image_folder, "--backbone", tiny_network, "--on-bad", "skip"]
    skipped = [hybrid.json(*command, "--part", f"{number}/3")["skipped"] for number in (1, 2, 3)]
    assert [one["id"] for part in skipped for one in part] == [damaged.relative_to(image_folder).as_posix()]
    assert damaged.name in hybrid(*command[:-2], "--part", "1/3", code=1)


@pytest.mark.network
def test_more_parts_than_images_leave_some_without_images(hybrid, image_folder, tiny_network):
    parts = [
        hybrid.json("extract", image_folder, "--backbone", tiny_network, "--part", f"{number}/61") for number in (1, 2)
    ]
    assert [(one["images"], one["new"]) for one in parts] == [(0, 0), (1, 1)]


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "1/", "a/b", "-1/3", "1/3/5"])
def test_an_impossible_part_is_refused_in_one_sentence(text):
    with pytest.raises(InputError, match=r"expected its number and how many parts there are, from 1/16 to 16/16"):
        Part.parse(text)


def test_a_part_has_no_name(hybrid, image_folder):
    said = hybrid("extract", image_folder, "--backbone", "mobilenet", "--part", "1/2", "--name", "mine", code=2)
    assert "give --name to the command without --part" in " ".join(said.split())
