"""Objects at an address such as ``s3://bucket/prefix``: on Amazon S3 or a server like it, on Google Cloud, or on Azure.

An object is written once and never replaced or removed. Credentials come from the environment. Messages are made from
the kind of an error and never from the words of the server or of the library, which can contain parts of credentials.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

from hybrid.errors import InputError, MissingExtraError

T = TypeVar("T")

_ADDRESS = re.compile(r"(s3|gs|az):/{1,2}(.*)", re.DOTALL)
_SCHEMES = "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
_CLIENT: dict[str, Any] = {"connect_timeout": "10s", "read_timeout": "30s", "timeout": "10m", "allow_http": True}
_RETRY: dict[str, Any] = {"max_retries": 8, "retry_timeout": timedelta(seconds=120)}
_WRITES = 4  # attempts of a conditional write without an answer; the library repeats only those that are refused
_VARIABLES = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}


class MissingObjectError(InputError):
    """There is no object with this name."""


@dataclass(frozen=True)
class ObjectEntry:
    """An object in a listing: its size in bytes, and a stamp that changes with its content."""

    size: int
    stamp: str


def is_address(value: object) -> bool:
    """Return whether a text or a path is the address of objects, such as ``s3://bucket/prefix``.

    Examples
    --------
    >>> is_address("s3://bucket/prefix"), is_address("folder/s3")
    (True, False)
    """
    return _ADDRESS.fullmatch(str(value)) is not None


def checked_address(value: object) -> str:
    """Return an address in its normal form.

    A `Path` merges the two slashes of an address, which is accepted.

    Raises
    ------
    InputError
        If it names no bucket, or contains credentials. The message does not repeat them.

    Examples
    --------
    >>> checked_address("s3:/bucket/prefix/")
    's3://bucket/prefix'
    """
    found = _ADDRESS.fullmatch(str(value))
    rest = found[2].strip("/") if found else ""
    if any(mark in rest for mark in "@?#"):
        raise InputError(
            f"An address with a password, a signature or other marks was given; expected {_SCHEMES}. Credentials come "
            "from the environment."
        )
    if not found or not rest or ".." in rest.split("/"):
        raise InputError(f"The address {str(value)!r} was given; expected {_SCHEMES}.")
    return f"{found[1]}://{rest}"


@lru_cache(maxsize=16)
def open_objects(address: str) -> "ObjectStore":
    """Return the objects at an address; the connections are shared by all callers of a process."""
    return ObjectStore(address)


class ObjectStore:
    """The objects at an address.

    Parameters
    ----------
    address : str
        See :func:`checked_address`.

    Raises
    ------
    InputError
        If the address is not valid, or the environment lacks what is needed to reach it.
    MissingExtraError
        If the package obstore is not installed.
    """

    def __init__(self, address: str):
        self.address = checked_address(address)
        self.scheme = self.address.partition(":")[0]
        try:
            import obstore.store
        except ImportError as error:
            raise MissingExtraError("obstore", "cloud", f"The address {self.address}") from error
        make = {"s3": obstore.store.S3Store, "gs": obstore.store.GCSStore, "az": obstore.store.AzureStore}[self.scheme]
        bucket, _, prefix = self.address.partition("://")[2].partition("/")
        self._store: Any = self._answer(
            "opened", "", lambda: make(bucket, prefix=prefix or None, client_options=_CLIENT, retry_config=_RETRY)
        )

    def list(self, prefix: str = "") -> dict[str, ObjectEntry]:
        """Return all objects below a prefix, by their names relative to it.

        Raises
        ------
        InputError
            If they cannot be listed.
        """
        import obstore

        def listing() -> dict[str, ObjectEntry]:
            start = len(prefix) + 1 if prefix else 0
            found = {}
            for chunk in obstore.list(self._store, prefix or None, chunk_size=1000):
                for entry in chunk:
                    stamp = entry["version"] or entry["e_tag"] or str(entry["last_modified"])
                    found[entry["path"][start:]] = ObjectEntry(entry["size"], stamp)
            return found

        return self._answer("listed", prefix, listing)

    def get(self, name: str) -> bytes:
        """Return the content of an object.

        Raises
        ------
        MissingObjectError
            If it does not exist.
        InputError
            If it cannot be read.
        """
        import obstore

        return self._answer("read", name, lambda: bytes(obstore.get(self._store, name).bytes()))

    def put_new(self, name: str, data: bytes) -> bool:
        """Write an object unless it exists, and return whether it was written. An existing object is never changed.

        If the answer to a write is lost, it is tried again; the object that it had created counts as existing then.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        def put() -> bool:
            for attempt in range(_WRITES):
                try:
                    obstore.put(self._store, name, data, mode="create", use_multipart=False)
                    return True
                except AlreadyExistsError:
                    return False
                except Exception as error:
                    if _status(error) not in (None, 409) or attempt == _WRITES - 1:
                        raise
                    time.sleep(0.2 * 2**attempt)
            raise AssertionError

        return self._answer("written", name, put)

    def _answer(self, done: str, name: str, request: Callable[[], T]) -> T:
        """Return the answer to a request, or raise an `InputError` of one sentence."""
        try:
            return request()
        except Exception as error:
            problem, kind = self._problem(error, done == "listed"), InputError
            if isinstance(error, FileNotFoundError) and "no such bucket" not in problem:
                kind = MissingObjectError
            where = f"{self.address}/{name}" if name else self.address
        raise kind(f"{where!r} cannot be {done}: {problem}.")  # outside, so that no traceback shows the library's words

    def _problem(self, error: Exception, is_listing: bool) -> str:
        text, status = str(error), _status(error)
        if "NoSuchBucket" in text or "ContainerNotFound" in text or (status == 404 and is_listing):
            return "there is no such bucket; check the address and the region"
        if isinstance(error, FileNotFoundError) or status == 404:
            return "there is no such object"
        if status in (401, 403) or type(error).__name__ in ("PermissionDeniedError", "UnauthenticatedError"):
            return f"access was denied; check the credentials ({_VARIABLES[self.scheme]}) and what they permit"
        if status in (429, 503):
            return "the server asks for fewer requests; run the same command again later, which goes on from here"
        if status == 501 or type(error).__name__ == "NotSupportedError":
            return "the server does not support conditional writes (If-None-Match), which are necessary"
        if status is not None:
            return f"the server answered with the status {status}; check the address, {_VARIABLES[self.scheme]}"
        if any(mark in text for mark in ("/latest/", "metadata", "Account must be", "oauth", "token", "credential")):
            return f"the environment has no credentials; set {_VARIABLES[self.scheme]}"
        endpoint = _ENDPOINTS[self.scheme]
        return (
            f"the server does not answer; check the network and the endpoint ({endpoint}), and run the same command "
            "again, which goes on from here"
        )


def _status(error: Exception) -> int | None:
    found = re.search(r"status code: (\d{3})", str(error))
    return int(found[1]) if found else None
