"""Backbones: the table of networks, their parameters, weights and files."""
