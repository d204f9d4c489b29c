"""From a trained model and sets of images to results with intervals."""
