"""Which cases of a table run in `make test`, and which wait for `make test-all`."""

import pytest


def one_of_each(names, family):
    """Return the names as cases of a test: the first of each family, and the others marked as slow."""
    met = set()
    cases = []
    for name in names:
        cases.append(pytest.param(name, marks=[pytest.mark.slow] if family(name) in met else []))
        met.add(family(name))
    return cases


def slow(*values):
    """Return values of a case of a test that waits for `make test-all`."""
    return pytest.param(*values, marks=pytest.mark.slow)
