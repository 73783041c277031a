"""A guard that keeps Keras out of the quick tests."""

import importlib.abc


class NoKeras(importlib.abc.MetaPathFinder):
    """A finder of modules that refuses Keras and TensorFlow."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname in ("keras", "tensorflow"):
            raise AssertionError(f"{fullname} is imported by a test that is not marked `network`: mark it so")
        return
