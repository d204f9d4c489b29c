"""The benchmark of further views: its cases and its table."""

from experiments.benchmarks import views
from experiments.configs import emoji


def test_table():
    seconds = {(1, None): 2.0, (2, None): 3.0, (2, 16): 2.5}
    lines = views.format_table(seconds, 32).splitlines()
    assert lines[-3:] == [
        "| 1 | - | 2.000 | 1.00 |",
        "| 2 | 32 | 3.000 | 1.50 |",
        "| 2 | 16 | 2.500 | 1.25 |",
    ]


def test_steps_train(eager_steps):
    config = emoji.get_config()
    config.batch_size = 3
    config.image_encoder.layers = config.text_encoder.layers = 1
    logs = views.make_step(config, 2, 16, 20)()
    assert float(logs["loss"]) > 0
