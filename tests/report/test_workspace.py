"""The report of a real workspace: pictures, map, training, fingerprints and versions are found there."""

import json

import pytest

pytestmark = pytest.mark.network


@pytest.mark.slow
def test_the_report_finds_what_the_workspace_holds(hybrid, image_folder, tmp_path):
    for command in (
        f"train convnet_small {image_folder} --epochs 2 --size 16",
        f"extract {image_folder}",
        "fit svm",
        "fit softmax",
        "compare",
    ):
        printed = hybrid(*command.split())
    runs = tmp_path / "hybrid_runs"
    assert printed.rstrip().endswith("report.html")
    page = (runs / "reports" / "report.html").read_text()
    metrics = json.loads(next(runs.glob("models/svm-*/metrics.json")).read_text())
    assert page.count("data:image/png;base64,") >= 6  # three samples of each class
    assert f"Each point is one of {metrics['splits']['test']['n']} test images" in page
    assert "over 2 epochs" in page
    for text in (metrics["dataset_fingerprint"], metrics["extractor_fingerprint"], "scikit-learn", "python"):
        assert text in page
    cards = list((runs / "reports").rglob("model-card.md"))
    assert len(cards) == 1
    assert "Saved with hybrid" in cards[0].read_text()
    names = {path.stem for path in cards[0].parent.glob("*.svg")}
    assert {"map-classes", "map-errors", "training-1"} <= names
