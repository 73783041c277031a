"""Runtimes: what computes a graph, Keras or OpenVINO."""
