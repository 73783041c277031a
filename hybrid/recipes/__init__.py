"""Recipes: a comparison written down in a TOML file, checked before anything is done."""

from hybrid.recipes.reading import read_recipe
from hybrid.recipes.recipe import Recipe

__all__ = ["Recipe", "read_recipe"]
