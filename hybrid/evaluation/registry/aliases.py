"""Names that scikit-learn gives to metrics of the registry."""

ALIASES = {
    "recall": "sensitivity",
    "sensitivity": "recall",
    "matthews_corrcoef": "mcc",
    "brier_score": "brier",
    "brier_score_loss": "brier",
    "roc_auc_ovr": "roc_auc_macro",
}
