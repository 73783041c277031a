"""The words an extractor's options take, known without importing Keras."""

POOLINGS = {
    "avg": "global average of each channel",
    "max": "global maximum of each channel",
    "both": "average and maximum, concatenated",
    "flatten": "every value of the feature map, in one row",
    "none": "the feature map as it is",
}

PREPROCESSINGS = {
    "none": "0 to 255, as they are: the network scales its input itself",
    "rescale": "0 to 1: pixels / 255",
    "tf": "-1 to 1: pixels / 127.5 - 1",
    "torch": "0 to 1, then less the ImageNet mean, by its standard deviation",
    "caffe": "BGR, less the ImageNet mean",
}

PENULTIMATE = "penultimate"  # the layer name that means: what feeds the classification layer

PRECISIONS = ("float32", "bfloat16", "float16")

RUNTIMES = ("auto", "openvino", "keras")
