"""The registry of metrics: the definition of each metric, and the metrics of each task."""
