"""Embedding sets: a dataset as an extractor sees it."""
