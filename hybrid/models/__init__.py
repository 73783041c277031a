"""Fitted models: fit, adjust, finish and apply them."""
