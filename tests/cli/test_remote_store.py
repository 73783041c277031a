"""The commands with a store at an address: one machine extracts, another one fits. The server is moto's."""

import json

import pytest
from object_server import BUCKET, KEY, SECRET

pytestmark = pytest.mark.network
ADDRESS = f"s3://{BUCKET}/team"


def test_one_machine_extracts_and_another_one_fits(
    hybrid, image_folder, tiny_network, object_server, next_machine, tmp_path
):
    first = hybrid.json("extract", image_folder, "--backbone", tiny_network, "--cache", ADDRESS)
    [record] = (tmp_path / "hybrid_runs" / "sets").glob("*.json")
    assert json.loads(record.read_text())["extractor"]["params"]["cache"] == ADDRESS
    next_machine()
    again = hybrid.json("extract", image_folder, "--backbone", tiny_network, "--cache", ADDRESS)
    counts = [(one["new"], one["cached"]) for one in (first, again)]
    assert counts[0][0] == counts[1][1] > 0
    assert counts[1][0] == 0
    next_machine()
    assert hybrid.json("fit", "svm")["splits"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
        assert KEY.encode() not in path.read_bytes(), path


def test_the_variable_can_hold_an_address(hybrid, image_folder, tiny_network, object_server, monkeypatch):
    monkeypatch.setenv("HYBRID_CACHE", ADDRESS)
    hybrid("extract", image_folder, "--backbone", tiny_network)
    assert any(name.endswith(".npy") for name in object_server.objects("team/embeddings/"))
    assert hybrid.json("fit", "svm")["splits"]
    hybrid("cache", "explain", sorted(image_folder.rglob("*.png"))[0], "--backbone", tiny_network)


def test_an_error_of_the_server_is_one_sentence(hybrid, image_folder, tiny_network, object_server):
    with object_server.failing(lambda method, path: "403 Forbidden"):
        message = hybrid("extract", image_folder, "--backbone", tiny_network, "--cache", ADDRESS, code=1)
    assert "access was denied; check the credentials" in message
    assert "Traceback" not in message
    assert SECRET not in message
    assert KEY not in message


@pytest.mark.medium
def test_workers_of_a_cluster_write_to_the_address(hybrid, image_folder, tiny_network, object_server, next_machine):
    pytest.importorskip("distributed")
    options = ("--backbone", tiny_network, "--cache", ADDRESS)
    done = hybrid.json("extract", image_folder, *options, "--cluster", "local:2")
    assert done["new"] > 0
    next_machine()
    assert hybrid.json("extract", image_folder, *options)["new"] == 0
