"""The embedding store: content-addressed shards of rows on disk."""
