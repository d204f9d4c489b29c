"""Scripts: prepare a corpus, pre-train, evaluate, export."""

import os

# TensorFlow reports every missing accelerator library as an error; what really
# fails raises an exception all the same.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
