"""Scores of subgroups of the images, such as of each hospital, and tests of their gaps."""
