"""Seconds to write and to read embeddings in a store at an address, compared with a store in a folder.

    python benchmarks/object_store.py [ROWS …] [--folder FOLDER] [--delay MILLISECONDS]

The server is that of moto, a stand-in for Amazon S3, in its own process on this machine. Each answer of the server is
delayed by --delay. Rows have width 512. "write" is the time to write all rows. For "second machine", a store with an
empty mirror looks up which rows are stored, reads all rows, and reads them again.
"""

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import save, seconds

from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.shards import forget_verified
from hybrid.extractors.store.store import EmbeddingStore, open_cache

WIDTH, SHARD = 512, 1024
IDENTITY = Identity({"made": "rows of a benchmark"}, (WIDTH,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--delay", type=float, default=0.0)
    given = parser.parse_args()
    ports: Any = multiprocessing.get_context("spawn").Queue()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(ports, given.delay / 1000), daemon=True)
    server.start()
    endpoint = f"http://127.0.0.1:{ports.get()}"
    values = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x"}
    os.environ |= values | {"AWS_SECRET_ACCESS_KEY": "x"}
    import boto3

    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="benchmark")
    folder, results = Path(tempfile.mkdtemp(dir=given.folder)), {}
    try:
        for rows in given.rows:
            keys = np.random.default_rng(0).integers(0, 256, (rows, 32), np.uint8)
            for kind, place in (("folder", str(folder / f"{rows}")), ("address", f"s3://benchmark/{rows}")):
                os.environ["HYBRID_MIRROR"] = str(folder / f"first-{rows}")
                times = {"write": seconds(lambda place=place, keys=keys: write(place, keys))}
                os.environ["HYBRID_MIRROR"] = str(folder / f"second-{rows}")
                forget_verified()
                times |= read(place, keys)
                results[f"{rows} {kind}"] = times
                for name, value in times.items():
                    print(f"{rows:>9,} rows  {kind:8s} {name:34s} {value:9.3f} s", flush=True)
    finally:
        shutil.rmtree(folder)
        server.terminate()
    save(
        f"object_store-{given.delay:g}ms" if given.delay else "object_store",
        {"width": WIDTH, "delay_ms": given.delay, "seconds": results},
    )


def serve(ports: Any, delay: float) -> None:
    import logging

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    app = DomainDispatcherApplication(create_backend_app)

    def delayed(environ: Any, start_response: Any) -> Any:
        time.sleep(delay)
        return app(environ, start_response)

    server = make_server("127.0.0.1", 0, delayed, threaded=True)
    ports.put(server.server_port)
    server.serve_forever()


def write(place: str, keys: np.ndarray) -> None:
    store, rng = EmbeddingStore(open_cache(place), IDENTITY), np.random.default_rng(1)
    for start in range(0, len(keys), SHARD):
        part = keys[start : start + SHARD]
        store.append(part, rng.random((len(part), WIDTH), np.float32))


def read(place: str, keys: np.ndarray) -> dict[str, float]:
    store = EmbeddingStore(open_cache(place), IDENTITY)
    times = {"second machine: which are stored": seconds(lambda: store.contains(keys))}
    times["second machine: read all"] = seconds(lambda: store.gather(keys))
    again = EmbeddingStore(open_cache(place), IDENTITY)
    times["second machine: read all again"] = seconds(lambda: again.gather(keys))
    return times


if __name__ == "__main__":
    main()
