"""Several sources as one, drawn from by weight."""

import dataclasses

from uniclip_keras.errors import InputError


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Several sources, drawn from by weight, each repeated without end.

    Attributes:
        sources: The sources.
        weights: The chance of each to give the next sample; they sum to 1.
    """

    sources: tuple
    weights: tuple

    @property
    def drawn(self):
        """The sources whose weight is not 0."""
        pairs = zip(self.sources, self.weights, strict=True)
        return tuple(source for source, weight in pairs if weight)

    def samples(self, bad_samples=None):
        """One pass over every source drawn from, one after the other."""
        for source in self.drawn:
            yield from source.samples(bad_samples)

    def count(self):
        """Samples in all the sources drawn from together."""
        return sum(source.count() for source in self.drawn)


def mix(sources, weights=None):
    """Mixes sources for training.

    Args:
        sources: Sources, see `sources`.
        weights: Numbers, one per source, in any scale: 5 and 1 take five
            samples of six from the first. A source of weight 0 gives none; it
            is there for what else is made of the sources, such as a
            vocabulary. None: equal weights.

    Returns:
        A `Mixture`.

    Raises:
        InputError: The weights do not fit the sources.
    """
    sources = tuple(sources)
    weights = [1.0] * len(sources) if weights is None else list(weights)
    if not sources:
        raise InputError(
            "The list of sources to mix is empty: give at least one."
        )
    fit = len(weights) == len(sources) and min(weights) >= 0
    if not fit or not sum(weights) > 0:
        raise InputError(
            f"The weights {weights} do not fit {len(sources)} sources: give "
            "one number from 0 up for each, not all of them 0."
        )
    total = float(sum(weights))
    return Mixture(sources, tuple(weight / total for weight in weights))
