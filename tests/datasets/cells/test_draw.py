"""Drawn pictures of blood cells: the same each time, with labels that the pixels show."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hybrid.datasets.cells.draw import KINDS, LABELS, draw_patient, draw_pictures, draw_scene, plan_scene
from hybrid.datasets.cells.shapes import WHITE_CELLS


def scenes(kind, patients, pictures):
    """Return the patient, the scene and the picture of each picture of a dataset."""
    for number in range(1, patients + 1):
        rng = np.random.default_rng([0, KINDS.index(kind), number])
        patient = draw_patient(rng, kind)
        for _ in range(pictures):
            scene = plan_scene(rng, patient)
            yield patient, scene, draw_scene(rng, scene, patient)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same_pictures_however_many_patients(kind):
    few, more = draw_pictures(kind, 2, 3), draw_pictures(kind, 3, 3)
    assert few.images.dtype == np.uint8
    assert few.images.shape == (6, 96, 96, 3)
    assert np.array_equal(few.images, more.images[:6])
    assert np.array_equal(few.y, more.y[:6])
    assert few.ids == more.ids[:6]
    assert len(set(more.ids)) == 9
    assert not np.array_equal(few.images[:3], draw_pictures(kind, 1, 3, random_state=1).images)


def test_pictures_are_those_that_earlier_versions_drew():
    """The mean grey level of a picture, as the version before the hospitals drew it."""
    for kind, mean in (("parasites", 205.677), ("types", 174.372), ("labels", 212.664)):
        assert draw_pictures(kind, 1, 1).images.mean() == pytest.approx(mean, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_say_what_was_drawn(kind):
    drawn = draw_pictures(kind, 8, 4)
    for label, (_, scene, picture), pixels in zip(drawn.y, scenes(kind, 8, 4), drawn.images, strict=True):
        assert np.array_equal(picture, pixels)
        shown = {
            "parasites": bool(scene.parasites),
            "platelet_clump": len(scene.clump) >= 6,
            "sickle_cell": bool(scene.sickle_cells),
            "white_cell": scene.white_cell in WHITE_CELLS,
        }
        if kind == "labels":
            assert label.tolist() == [shown[name] for name in LABELS]
        elif kind == "types":
            assert label == scene.white_cell
            assert shown["white_cell"]
        elif kind == "clumps":
            assert label == ("clumped" if shown["platelet_clump"] else "apart")
        else:
            assert label == ("parasite" if shown["parasites"] else "healthy")


def test_every_parasite_is_inside_a_red_cell():
    infected = [(patient, scene) for patient, scene, _ in scenes("labels", 12, 4) if scene.parasites]
    assert len(infected) > 5
    for patient, scene in infected:
        for at in scene.parasites:
            assert min(np.hypot(*np.subtract(at, cell)) for cell in scene.red_cells) < 0.45 * patient.radius


@pytest.mark.medium
def test_parasites_are_seen_as_dark_spots_and_bubbles_as_bright_ones():
    """The red channel, in which parasites absorb light and red cells hardly do, against its surroundings."""
    contrast = {"parasites": [], "bubbles": []}
    for _, scene, picture in scenes("parasites", 20, 4):
        red = gaussian_filter(picture[..., 0].astype(float), 1)
        around = gaussian_filter(picture[..., 0].astype(float), 7)
        for name, values in contrast.items():
            for y, x in np.round(getattr(scene, name)).astype(int):
                values.append(np.min((red - around)[max(0, y - 5) : y + 6, max(0, x - 5) : x + 6]))
    assert min(map(len, contrast.values())) > 10
    assert np.mean(np.array(contrast["parasites"]) < -15) > 0.9
    assert np.median(contrast["bubbles"]) > np.median(contrast["parasites"]) + 20


@pytest.mark.medium
def test_kinds_of_white_cells_differ_in_nucleus_and_granules():
    """Mean and spread of the colours in rings around the middle of the white cell tell most of the five kinds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    y, x = np.mgrid[:96, :96]
    features, kinds = [], []
    for _, scene, picture in scenes("types", 12, 6):
        ring = np.hypot(y - scene.white_at[0], x - scene.white_at[1]).astype(int) // 5
        background = np.percentile(picture.reshape(-1, 3), 90, axis=0)
        rings = [picture[ring == r] / background for r in range(7)]
        features.append(np.ravel([[pixels.mean(0), pixels.std(0)] for pixels in rings]))
        kinds.append(scene.white_cell)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    assert cross_val_score(classifier, features, kinds, cv=3).mean() > 0.7
