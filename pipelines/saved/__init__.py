"""Save models, check saved models, and load them."""
