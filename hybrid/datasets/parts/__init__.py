"""The parts of a dataset: images, labels, groups and split, each checked and converted to one form."""
