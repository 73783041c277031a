"""The values of an extractor's options, which are known without importing Keras."""

POOLINGS = {
    "avg": "global average of each channel",
    "max": "global maximum of each channel",
    "both": "average and maximum, concatenated",
    "flatten": "all values of the feature map, in one row",
    "none": "the unchanged feature map",
}

PREPROCESSINGS = {
    "none": "0 to 255, unchanged: the network scales its input itself",
    "rescale": "0 to 1: pixels / 255",
    "tf": "-1 to 1: pixels / 127.5 - 1",
    "torch": "0 to 1, minus the ImageNet mean, divided by its standard deviation",
    "caffe": "BGR, minus the ImageNet mean",
}

PENULTIMATE = "penultimate"  # the name that stands for the layer before the classification layer
ENDING = 2  # version of the rules in `hybrid.extractors.graph.ending` by which that layer is found

PRECISIONS = ("float32", "bfloat16", "float16")

RUNTIMES = ("auto", "openvino", "keras")
