"""Fit models, calibrate them, evaluate and save them, and predict with them."""
