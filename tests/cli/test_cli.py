"""The command line: help, start-up, and what it says to bad input."""

import numpy as np
import pytest
from PIL import Image

from hybrid.cli.main import COMMANDS, main


def test_help_lists_every_command(hybrid):
    text = hybrid("--help")
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_each_option(hybrid, name):
    result = hybrid.result(name, "--help")
    assert result.exit_code == 0
    command = main.get_command(None, name)
    assert command.name == name
    assert command.help
    undocumented = [p.name for p in command.params if getattr(p, "opts", [""])[0].startswith("--") and not p.help]
    assert undocumented == []


def test_help_imports_nothing_heavy(python):
    code = """
import sys
from hybrid.cli import main
try:
    main.main(["--help"])
except SystemExit:
    pass
print(sorted({"keras", "tensorflow", "sklearn", "numpy", "rich", "matplotlib", "PIL"} & set(sys.modules)))
"""
    assert python(code).splitlines()[-1] == "[]"


def test_an_unknown_command_is_a_usage_error(hybrid):
    assert hybrid.result("extrct").exit_code == 2


def test_backbones_are_listed_as_one_json_object(hybrid):
    rows = {row["name"]: row for row in hybrid.json("backbones")["backbones"]}
    assert rows["resnet50"]["size"] == 224
    assert rows["resnet50"]["width"] == 2048
    assert rows["inception_v3"]["size"] == 299
    assert "resnet50" in hybrid("backbones")


def test_heads_are_listed_with_defaults_and_search_space(hybrid):
    heads = {head["name"]: head for head in hybrid.json("heads")["heads"]}
    assert set(heads) == {"svm", "forest", "xgboost", "softmax", "logistic", "knn"}
    assert len(heads["svm"]["search"]["C"]) > 1
    assert "svm" in hybrid("heads")


def test_data_says_what_it_found(hybrid):
    found = hybrid.json("data", "digits")
    assert found["images"] == 1797
    assert sum(found["counts_by_split"]["train"].values()) == pytest.approx(0.7 * 1797, abs=1)
    assert "stratified, seed 0" in found["notes"][0]


@pytest.mark.medium
def test_data_names_three_findings_of_a_kind_and_says_where_all_of_them_are(hybrid, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(10):
        pixels = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8) if number > 4 else np.full((9, 9, 3), number, np.uint8)
        (folder := tmp_path / "pictures" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    said = hybrid("data", tmp_path / "pictures", "--workspace", tmp_path / "runs")
    assert said.count("blank images: '") == 3
    path = tmp_path / "runs" / "reports" / "findings-pictures.json"
    assert f"blank images: 2 more, all in {path}" in said
    assert path.exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("fit", "svn"), ["Unknown head 'svn'", "'svm'"]),
        (("fit", "svm"), ["no embedding set", "hybrid extract"]),
        (("extract", "digits"), ["--backbone", "hybrid train"]),
        (("extract", "digits", "--backbone", "resnet51"), ["Unknown backbone 'resnet51'", "'resnet50'"]),
        (("extract", "digits", "--backbone", "mobilenet:alpha"), ["name:key=value"]),
        (("extract", "digits", "--backbone", "nothing.keras"), ["no network file", "nothing.keras"]),
        (("extract", "digits", "--backbone", "resnet50", "--size", "big"), ["--size 'big'", "224"]),
        (("extract", "digits", "--backbone", "resnet50", "--weights", "no.h5"), ["no weights file 'no.h5'"]),
        (("extract", "nowhere", "--backbone", "resnet50"), ["nowhere"]),
        (("extract", "digits", "--backbone", "resnet50", "--split", "70/20"), ["split '70/20'", "70/15/15"]),
        (("data", "digts"), ["digits"]),
        (("train", "resnet_smal", "digits"), ["resnet_smal", "'resnet_small'"]),
        pytest.param(("train", "convnet_small", "digits"), ["convnet_small", "8×8"], marks=pytest.mark.network),
        (("compare",), ["hybrid fit svm"]),
        (("predict", "svm", "x.png"), ["no model 'svm'", "hybrid fit"]),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_1(hybrid, args, words):
    result = hybrid.result(*args)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.strip().count("\n") == 0
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("pictures extract", "The command comes first: hybrid extract pictures"),
        ("extrct pictures", "Nearest: extract"),
        ("something", "The commands are demo, data"),
        ("help fit", "hybrid fit --help"),
        ("data", "For example: hybrid data PICTURES"),
        ("fit svm pictures", "For example: hybrid fit svm"),
        ("fit --tunes svm", "--tune-on-val"),
    ],
)
def test_a_wrong_command_line_is_answered_with_the_right_one(hybrid, words, said):
    result = hybrid.result(*words.split())
    assert result.exit_code == 2
    assert said in result.stderr


def test_beginners_mistakes_with_files_are_named(hybrid, tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "labels.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "paths.csv").write_text("path\na.png\n")
    assert "Nearest: 'pictures'" in hybrid("data", "picturs", code=1)
    assert f"looked for in {str(tmp_path)!r}" in hybrid("data", "elsewhere", code=1)
    assert "save its table as a CSV file" in hybrid("data", "labels.xlsx", code=1)
    assert "has only one column" in hybrid("data", "paths.csv", code=1)
    assert "hybrid train resnet_small pictures" in hybrid("train", "pictures", "resnet_small", code=1)


def test_untrusted_names_do_not_move_the_cursor_or_fill_the_screen(capsys, hybrid):
    from hybrid.cli.output import print_table
    from hybrid.errors import InputError

    print_table("title", ["a", "b"], [["\x1b[2J\u202egnp", "\ud800"]], left=2)
    shown = capsys.readouterr().out
    assert "�[2J�gnp" in shown
    assert not set("\x1b\u202e\ud800") & set(shown)
    said = str(InputError(f"{'x' * 10_000} was given; expected a word."))
    assert len(said) < 2000
    assert said.endswith("was given; expected a word.")
    assert "\x1b" not in hybrid.result("fit", "\x1b[2J").stderr
    assert "\x1b" not in hybrid.result("run", "\x1b[2J.toml").stderr
