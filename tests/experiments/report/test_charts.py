import numpy as np

from experiments.report.charts import history_charts
from experiments.report.charts import line_svg
from experiments.report.charts import series


def test_series_sorts_steps_and_counts_a_repeated_step_once():
    points = [(20, 2.0), (10, 3.0), (15, float("inf")), (20, 1.5)]
    rows = [{"step": step, "loss": loss} for step, loss in points]
    rows.insert(3, {"step": 12})
    steps, values = series(rows, "loss")
    assert steps.tolist() == [10, 20]
    assert values.tolist() == [3.0, 1.5]


def test_short_and_broken_histories():
    for rows in ([], [{"loss": 1.0}], [{"step": 1, "loss": float("nan")}]):
        assert history_charts(rows) == {}
    rows = [{"step": 1, "loss": 1.0}, {"step": 2, "learning_rate": 0.1}]
    assert list(history_charts(rows[:1])) == ["loss"]
    assert list(history_charts(rows)) == ["loss", "learning_rate"]


def test_long_histories_give_small_charts():
    rng = np.random.default_rng(0)
    names = ("loss", "learning_rate", "temperature/a-b", "offset/a-b")
    rows = [
        {"step": step, **dict(zip(names, rng.normal(size=4), strict=True))}
        for step in range(3000)
    ]
    charts = history_charts(rows)
    assert len(charts) == 4
    assert sum(len(chart["svg"]) for chart in charts.values()) < 200_000


def test_each_pair_of_domains_has_a_line_and_a_color():
    names = [f"temperature/pair-{i}" for i in range(6)]
    rows = [{"step": s, **dict.fromkeys(names, 0.07)} for s in range(3)]
    (chart,) = history_charts(rows).values()
    assert chart["legend"] == {f"pair-{i}": 0.07 for i in range(6)}
    for i in range(6):
        assert f"stroke: var(--series-{i + 1})" in chart["svg"]


def test_validation_stands_beside_the_training():
    rows = [{"step": step, "loss": 3.0 - step} for step in range(3)]
    assert set(history_charts(rows)["loss"]["legend"]) == {"training"}
    ways = ("image_to_text", "text_to_image")
    names = [f"validation/{way}_r{k}" for way in ways for k in (1, 5)]
    rows.append(
        {"step": 2, "validation/loss": 2.5, **dict.fromkeys(names, 0.5)}
    )
    charts = history_charts(rows)
    assert list(charts) == ["loss", "retrieval"]
    assert charts["loss"]["legend"] == {"training": 1.0, "validation": 2.5}
    assert list(charts["retrieval"]["legend"])[0] == "image to text, R@1"
    assert len(charts["retrieval"]["legend"]) == 4


def test_noise_gets_a_moving_average_and_a_schedule_does_not():
    steps = np.arange(200.0)
    noise = np.random.default_rng(0).normal(size=200)
    assert "opacity: 0.35" in line_svg("loss", {"loss": (steps, noise)})
    assert "opacity: 0.35" not in line_svg("rate", {"rate": (steps, steps)})


def test_the_same_history_gives_the_same_bytes():
    lines = {"loss": (np.arange(30.0), np.sin(np.arange(30.0)))}
    assert line_svg("Loss", lines) == line_svg("Loss", lines)
