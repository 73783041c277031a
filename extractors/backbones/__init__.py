"""Backbones: the table of networks, their descriptions, parameters, weights and files."""
