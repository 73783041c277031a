"""Images that a recipe skips are named: on standard error, in JSON, in the report and in its model card."""

import json

import pytest
from made_pictures import write_colours

SENTENCE = "2 images were skipped, because they could not be read: 'train/blue/broken.png', 'val/red/broken.png'."


@pytest.fixture
def recipe(tmp_path, tiny_network):
    pictures = write_colours(
        tmp_path / "pictures", {"blue": (40, 60, 200), "red": (210, 50, 40)}, {"train": 12, "val": 8, "test": 8}
    )
    for name in ("train/blue", "val/red"):
        (pictures / name / "broken.png").write_bytes(b"no image")
    text = f'[data]\nsource = "pictures"\non_bad = "skip"\n[features.own]\nbackbone = "{tiny_network}"\n'
    (tmp_path / "job.toml").write_text(text + '[heads]\nuse = ["softmax"]\n')
    return tmp_path / "job.toml"


@pytest.mark.medium
@pytest.mark.usefixtures("exported_graph")
def test_skipped_images_are_named_everywhere(hybrid, recipe):
    result = hybrid.result("run", recipe, "--json")
    assert result.exit_code == 0, result.output
    for name in ("train/blue/broken.png", "val/red/broken.png"):
        assert f"Skipped {name}: " in result.stderr
    done = json.loads(result.stdout)
    (group,) = done["groups"]
    for line in ("own-pictures: 56 embeddings extracted", "softmax-own-pictures: fitting", "Dataset('pictures'"):
        assert line in result.stderr
    (extracted,) = done["work"]["sets"]
    assert (extracted["set"], extracted["new"], extracted["cached"]) == ("own-pictures", 56, 0)
    assert list(extracted["skipped"]) == ["train/blue/broken.png", "val/red/broken.png"]
    assert done["work"]["models"] == {"fitted": ["softmax-own-pictures"], "reused": []}
    assert SENTENCE in group["warnings"]
    reports = recipe.parent / "hybrid_runs/reports/job"
    assert "2 images were skipped" in (reports / "report.html").read_text()
    assert "2 images were skipped" in (reports / "report-files/pictures/model-card.md").read_text()
    assert SENTENCE in hybrid.json("compare")["groups"][0]["warnings"]

    (recipe.parent / "pictures/val/blue/broken.png").write_bytes(b"no image either")  # the other images are the same
    (group,) = hybrid.json("run", recipe)["groups"]
    assert [text[:27] for text in group["warnings"]] == ["3 images were skipped, beca"]
    record = json.loads((recipe.parent / "hybrid_runs/sets/own-pictures.json").read_text())
    assert len(record["skipped"]) == 3
    assert record["new"] == 56  # of the extraction that computed the embeddings

    work = hybrid.json("run", recipe)["work"]
    assert (work["sets"][0]["new"], work["sets"][0]["cached"]) == (0, 56)
    assert work["models"] == {"fitted": [], "reused": ["softmax-own-pictures"]}
    assert "own-pictures: stored before" in hybrid("run", recipe)
    history = recipe.parent / "hybrid_runs/history.jsonl"
    looks = history.read_text().count('"shown"')
    assert hybrid.json("run", recipe, "--hide-test")["split"] == "val"
    assert history.read_text().count('"shown"') == looks
    assert (reports / "val/report.html").is_file()

    result = hybrid.result(
        "extract", recipe.parent / "pictures", "--on-bad", "skip", "--backbone", tiny(recipe), "--json"
    )
    assert result.stderr.count("Skipped ") == 3
    said = hybrid("run", recipe, "--set", "data.on_bad=raise", code=1)
    assert "recipe: on_bad = 'skip' under [data]" in said
    assert "`hybrid data` lists all such images" in said


def tiny(recipe):
    return recipe.read_text().split('backbone = "')[1].split('"')[0]


@pytest.mark.medium
@pytest.mark.usefixtures("exported_graph")
def test_images_that_no_row_names_are_in_the_json(hybrid, recipe):
    folder = recipe.parent / "pictures"
    rows = [
        f"{path.relative_to(recipe.parent)},{path.parent.name},{path.parent.parent.name}"
        for path in sorted(folder.rglob("[0-9]*.png"))
    ]
    (recipe.parent / "labels.csv").write_text("\n".join(["path,label,split", *rows]))
    recipe.write_text(recipe.read_text().replace('source = "pictures"', 'source = "labels.csv"'))
    (extracted,) = hybrid.json("run", recipe)["work"]["sets"]
    assert any(note.startswith("2 images that no row names left out") for note in extracted["notes"])
