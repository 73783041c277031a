"""Readers of datasets, one for each format."""
