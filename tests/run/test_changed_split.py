"""A split that was drawn again because images were added: the run says how many images changed their split."""

import json
import shutil

import pytest
from made_pictures import write_colours


@pytest.mark.medium
@pytest.mark.usefixtures("exported_graph")
def test_added_images_that_change_the_split_are_pointed_out(hybrid, tiny_network, tmp_path):
    colours = {"blue": (40, 60, 200), "red": (210, 50, 40)}
    write_colours(tmp_path, colours, {"pictures": 30, "more": 5})
    text = f'[data]\nsource = "pictures"\n[features.own]\nbackbone = "{tiny_network}"\n[heads]\nuse = ["softmax"]\n'
    (tmp_path / "job.toml").write_text(text)
    assert hybrid.json("run", "job.toml")["groups"][0]["warnings"] == []
    assert hybrid.json("run", "job.toml")["groups"][0]["warnings"] == []
    for colour in colours:
        for path in (tmp_path / "more" / colour).iterdir():
            shutil.copy(path, tmp_path / "pictures" / colour / f"new{path.name}")
    result = hybrid.result("run", "job.toml", "--json")
    (warning,) = json.loads(result.stdout)["groups"][0]["warnings"]
    assert f"WARNING: {warning}" in result.stderr
    assert "of 60 images are in another split than in the earlier run" in warning
    assert "`hybrid split`" in warning
    assert hybrid.json("run", "job.toml")["groups"][0]["warnings"] == [warning]  # the models and the set are the same
