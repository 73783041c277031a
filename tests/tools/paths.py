"""Where things lie in the checkout."""

from pathlib import Path

TOOLS = Path(__file__).parent
ROOT = TOOLS.parents[1]
