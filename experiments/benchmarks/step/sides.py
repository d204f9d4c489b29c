"""The sides of the step benchmark, each measured in its own process.

Imports nothing but the standard library by itself: PyTorch's interpreter need
not have TensorFlow. All sides start from the weights and the batch of one file.
"""

import importlib
import statistics

OURS = "uniclip_keras"
OURS_GRAPPLER = "uniclip_keras, Grappler's default"
KERAS = "Keras fit"
TORCH = "PyTorch"
# Module and function. Only the framework of the side is imported.
SIDES = {
    OURS: ("keras_sides", "train_ours"),
    OURS_GRAPPLER: ("keras_sides", "train_ours_with_grappler"),
    KERAS: ("keras_sides", "train_plain"),
    TORCH: ("torch_side", "train"),
}
# Small: Adam's first step has the size of the learning rate even where the
# gradient is rounding noise, which differs between the sides.
LEARNING_RATE, WEIGHT_DECAY, EPSILON = 1e-5, 0.01, 1e-8
# After the first step, and not timed.
WARM_UP = 2


def measure(side, start, sizes, steps):
    """Trains a side from the file `start`.

    Returns:
        `{"first_step", "pairs_per_second", "processor", "losses"}`: seconds
        from the start of `fit` to the end of the first step; medians over the
        steps, of the speed and of the processor time of a step in seconds, all
        threads together; the losses of the first two steps. Or
        `{"missing": reason}`.
    """
    module, function = SIDES[side]
    try:
        train = importlib.import_module(f"{__package__}.{module}")
    except ImportError as error:
        return {"missing": str(error)}
    ends, losses = getattr(train, function)(start, sizes, 1 + WARM_UP + steps)
    steps = zip(ends[WARM_UP:-1], ends[WARM_UP + 1 :], strict=True)
    wall, processor = zip(
        *((b[0] - a[0], b[1] - a[1]) for a, b in steps), strict=True
    )
    return {
        "first_step": ends[0][0],
        "pairs_per_second": sizes["batch"] / statistics.median(wall),
        "processor": statistics.median(processor),
        "losses": losses,
    }
