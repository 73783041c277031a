"""A server of objects on this machine, moto's stand-in for Amazon S3, with faults that a test can switch on.

Moto keeps objects in memory and checks conditional writes as S3 does; it is not S3, and does not check signatures.
"""

import contextlib
import logging
import threading
import time

BUCKET = "pictures"
SECRET = "a-secret-that-nobody-may-see"
KEY = "AKIA0000000000000000"


class ObjectServer:
    """A WSGI application in front of moto's.

    Attributes
    ----------
    url : str
    fault : callable or None
        Takes the method and the path of a request; returns what to do with it instead of answering: a status such as
        "503 Slow Down", "hang", "cut" (the answer ends early), "lost" (it is carried out, but the answer is lost), or
        None.
    """

    def __init__(self):
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self.app = DomainDispatcherApplication(create_backend_app)
        self.server = make_server("127.0.0.1", 0, self, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.fault = None
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __call__(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fault = self.fault(method, path) if self.fault else None
        if fault in ("hang", "lost"):
            if fault == "lost":
                list(self.app(environ, lambda *given: None))
            time.sleep(1.5)
        elif fault == "cut":
            answer = b"".join(self.app(environ, start_response))
            return [answer[: len(answer) // 2]]
        elif fault:
            start_response(fault, [("Content-Type", "application/xml")])
            return [f"<Error><AWSAccessKeyId>{KEY}</AWSAccessKeyId><Secret>{SECRET}</Secret></Error>".encode()]
        return self.app(environ, start_response)

    def client(self):
        """Return a client of boto3, which sees the objects as another program does."""
        import boto3

        return boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
        )

    def objects(self, prefix=""):
        """Return all objects with a prefix, by their names."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        names = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {name: client.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}

    @contextlib.contextmanager
    def failing(self, fault):
        """Let requests fail until the end of the block."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    def close(self):
        self.server.shutdown()
        self.thread.join()
