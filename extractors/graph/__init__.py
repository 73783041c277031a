"""Graphs: a network cut at its layers, from uint8 pixels to embeddings."""
