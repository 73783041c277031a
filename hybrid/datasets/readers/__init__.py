"""Readers: one for each form in which a dataset can be given."""
