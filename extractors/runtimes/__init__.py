"""Runtimes that run a graph: Keras and OpenVINO."""
