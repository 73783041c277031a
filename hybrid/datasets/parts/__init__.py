"""What a dataset consists of: images, labels, groups and a split, each checked and brought into one form."""
