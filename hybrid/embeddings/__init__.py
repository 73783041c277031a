"""Extract the embeddings of datasets, save them as embedding sets, and load these."""
