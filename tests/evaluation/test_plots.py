import numpy as np

from experiments.report.charts import history_charts
from experiments.report.charts import line_svg
from experiments.report.charts import series


def test_series_is_sorted_and_a_repeated_step_counts_once():
    rows = [
        {"step": 20, "loss": 2.0},
        {"step": 10, "loss": 3.0},
        {"step": 15, "loss": float("inf")},
        {"step": 12},
        {"step": 20, "loss": 1.5},
    ]
    steps, values = series(rows, "loss")
    assert steps.tolist() == [10, 20]
    assert values.tolist() == [3.0, 1.5]


def test_every_pair_of_domains_has_its_line_and_colour():
    names = [f"temperature/pair-{i}" for i in range(6)]
    rows = [{"step": s, **dict.fromkeys(names, 0.07)} for s in range(3)]
    (chart,) = history_charts(rows)
    for i in range(6):
        assert f"pair-{i} <b>0.07</b>" in chart
        assert f"stroke: var(--series-{i + 1})" in chart


def test_noise_is_averaged_and_a_schedule_is_not():
    steps = np.arange(200.0)
    noise = np.random.default_rng(0).normal(size=200)
    assert "opacity: 0.35" in line_svg("loss", {"loss": (steps, noise)})
    assert "opacity: 0.35" not in line_svg("rate", {"rate": (steps, steps)})


def test_same_history_gives_the_same_bytes():
    lines = {"loss": (np.arange(30.0), np.sin(np.arange(30.0)))}
    assert line_svg("Loss", lines) == line_svg("Loss", lines)
