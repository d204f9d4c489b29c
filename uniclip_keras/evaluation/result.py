"""What a protocol returns."""

from typing import NamedTuple

from uniclip_keras.evaluation.scores import Scores


class Result(NamedTuple):
    """What a protocol measured.

    `scores` maps the name of a metric to what it gives each item; `facts` are
    plain values, ready for JSON, such as counts and the level of chance.
    """

    scores: dict[str, Scores]
    facts: dict

    def summary(self):
        """Returns the metrics as floats beside the facts, ready for JSON."""
        return {k: s.value() for k, s in self.scores.items()} | self.facts
