"""Drawn pictures of two hospitals: the same each time, and different from each other in the documented ways."""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_laplace

from hybrid.datasets import load_dataset, write_images
from hybrid.datasets.cells.draw import KINDS, draw_patient, draw_pictures, draw_scene, plan_scene
from hybrid.datasets.cells.hospitals import COLUMNS, HOSPITALS, NORTH, SOUTH
from hybrid.datasets.readers import cells


@cache
def of(name, patients=24, pictures=4):
    return draw_pictures("clumps", patients, pictures, hospital=HOSPITALS[name])


@pytest.fixture
def smaller(monkeypatch):
    """Draw 96 pictures of each hospital, so that a test is quick."""
    monkeypatch.setattr(cells, "_of_hospital", of)


def test_the_same_seed_draws_the_same_pictures_however_many_patients():
    few, more = draw_pictures("clumps", 2, 3, hospital=SOUTH), draw_pictures("clumps", 3, 3, hospital=SOUTH)
    assert np.array_equal(few.images, more.images[:6])
    assert few.ids == more.ids[:6]
    assert all(np.array_equal(few.columns[name], more.columns[name][:6]) for name in COLUMNS)
    assert not np.array_equal(few.images, draw_pictures("clumps", 2, 3, 1, hospital=SOUTH).images)


def test_a_picture_is_clumped_if_at_least_six_platelets_stick_together():
    drawn = draw_pictures("clumps", 6, 4, hospital=NORTH)
    labels = iter(drawn.y)
    for number in range(1, 7):
        rng = np.random.default_rng([0, KINDS.index("clumps"), number])
        patient = draw_patient(rng, "clumps", NORTH.rate)
        for _ in range(4):
            scene = plan_scene(rng, patient)
            draw_scene(rng, scene, patient)
            assert next(labels) == ("clumped" if len(scene.clump) >= 6 else "apart")
    assert set(drawn.y) == {"apart", "clumped"}


@pytest.mark.medium
def test_pictures_of_the_south_are_darker_and_less_sharp_and_show_fewer_clumps():
    north, south = of("north"), of("south")
    grey = {name: drawn.images.mean(3) for name, drawn in (("north", north), ("south", south))}
    sharp = {name: np.std(gaussian_laplace(pixels, (0, 1, 1)), axis=(1, 2)).mean() for name, pixels in grey.items()}
    assert grey["south"].mean() < 0.92 * grey["north"].mean()
    assert sharp["south"] < 0.9 * sharp["north"]
    assert np.mean(south.y == "clumped") < 0.7 * np.mean(north.y == "clumped")
    for name, drawn in (("north", north), ("south", south)):
        light = [grey[name][drawn.columns["scanner"] == scanner.name].mean() for scanner in HOSPITALS[name].scanners]
        assert light[0] > light[1]


@pytest.mark.medium
def test_the_ward_tells_something_about_clumps_and_a_patient_has_one_row_of_values():
    for name in HOSPITALS:
        drawn = of(name)
        clumped, ward = drawn.y == "clumped", drawn.columns["ward"]
        assert clumped[ward == "haematology"].mean() > clumped[ward == "general"].mean() + 0.1
        for values in drawn.columns.values():
            assert len(set(zip(drawn.patients, values, strict=True))) == 24


@pytest.mark.medium
def test_the_datasets_have_columns_and_no_patient_in_two_hospitals(smaller, tmp_path):
    both, north, south = (load_dataset(f"cells:{name}") for name in ("hospitals", "north", "south"))
    assert len(both) == len(north) + len(south) == 192
    assert both.task == "binary"
    assert tuple(both.columns) == COLUMNS
    assert set(both.columns["hospital"]) == {"north", "south"}
    assert len(set(both.columns["scanner"])) == 4
    assert not set(north.groups) & set(south.groups)
    manifest = write_images(both, tmp_path / "smears")
    assert manifest.read_text().splitlines()[0] == "path,label,patient,hospital,scanner,ward,sex,age"
    again = load_dataset(manifest)
    assert sorted(again.groups) == sorted(both.groups)
