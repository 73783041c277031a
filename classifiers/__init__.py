"""Heads: scikit-learn classifiers that turn embeddings into labels and probabilities.

scikit-learn and XGBoost are imported when a head is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
