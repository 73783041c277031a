#!/usr/bin/env bash
# How version 0.1.0 made the folder in version_0.1.0.tar.xz; images/ holds the first four test images of both datasets.
set -euo pipefail
export TF_CPP_MIN_LOG_LEVEL=3 HYBRID_CACHE=$PWD/cache
hybrid train resnet_small:width=4 dots.npz --epochs 2 --name net
hybrid extract dots.npz --name dots
hybrid extract dots.npz --pooling max --name max
hybrid extract dots.npz --pooling max --views 2 --views-of train+test --name views
hybrid extract labels.npz --name labels --backbone hybrid_runs/networks/net/network.keras --pooling both
hybrid fit svm --set dots --name svm
hybrid fit forest --set dots --name forest --param n_estimators=8
hybrid fit forest --set dots --name forest-pls --param n_estimators=8 --param pls=2 --calibrate --aim recall=0.9
hybrid fit xgboost --set dots --name xgboost --param n_estimators=6 --aim f1
hybrid fit softmax --set views --name softmax --pca 3
hybrid fit svm --set dots --set max --name joined --tune --cv 3
hybrid fit ensemble --set dots --name ensemble --member svm --member forest --member network-net --weights val --heads softmax
hybrid fit svm --set labels --name labels-svm --calibrate
hybrid fit forest --set labels --name labels-forest --param n_estimators=5
hybrid fit xgboost --set labels --name labels-xgboost --param n_estimators=4
hybrid fit softmax --set labels --name labels-softmax --aim f1
hybrid run recipe.toml --workspace run_runs
hybrid compare --json > compare.json
mkdir predicted
for model in hybrid_runs/models/*; do
    hybrid predict "$(basename "$model")" images/*.png --json > "predicted/$(basename "$model").json"
done
rm -rf {hybrid_runs,run_runs}/reports {hybrid_runs,run_runs}/networks/*/*.png cache/digests.sqlite
