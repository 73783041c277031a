from .reading import read_recipe
from .recipe import Recipe

__all__ = [
    "Recipe",
    "read_recipe",
]
