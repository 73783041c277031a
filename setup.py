"""The description for the package index, which is the README without relative links. All else is in setup.cfg."""

import re
from pathlib import Path

from setuptools import setup


def description(readme: str) -> str:
    """Return the README without relative images, and with the text alone of relative links.

    The package index shows the README on a page of its own, where paths into the repository lead nowhere. Blocks of
    code stay as they are.
    """
    parts = re.split(r"(^```.*?^```$)", readme, flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [_without_relative_targets(text) for text in parts[::2]]
    return "".join(parts)


def _without_relative_targets(text: str) -> str:
    text = re.sub(r"!\[[^\]]*\]\((?!https?://)[^)]*\)\n*", "", text)
    return re.sub(r"\[([^\]]*)\]\((?!https?://|mailto:|#)[^)]*\)", r"\1", text)


if __name__ == "__main__":
    setup(long_description=description(Path(__file__).with_name("README.md").read_text(encoding="utf-8")))
