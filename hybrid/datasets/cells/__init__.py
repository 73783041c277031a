"""Drawn pictures of blood cells under a microscope, for tutorials and the demo: no medical data."""
