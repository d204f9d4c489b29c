"""Student's t distribution, for any number of degrees of freedom.

With `u = sqrt(freedom) * tan(angle)` the density becomes a power of the cosine
on a finite range, which Gauss-Legendre quadrature integrates to 1e-12.
"""

import functools
import math

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)
# Beyond, t is the normal distribution and `lgamma` loses digits.
_MOST_FREEDOM = 1e6


def cumulative(t, freedom):
    """Returns the probability of a value of at most `t`: a float."""
    freedom = min(freedom, _MOST_FREEDOM)
    # Further out, the nodes would miss the mass; the tail is below 1e-300.
    t = max(-38.0, min(t, 38.0)) if freedom > 1000 else t
    half = math.atan(t / math.sqrt(freedom)) / 2
    density = np.cos(half * (_NODES + 1)) ** (freedom - 1)
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    scale = math.exp(scale) / math.sqrt(math.pi)
    return min(max(0.5 + scale * half * float(_WEIGHTS @ density), 0.0), 1.0)


@functools.lru_cache(maxsize=1024)
def quantile(probability, freedom):
    """Returns the value below which `probability` lies, in (0, 1): a float."""
    freedom = min(freedom, _MOST_FREEDOM)
    low, high = -math.pi / 2, math.pi / 2
    # Bisection to the last bits of an angle.
    for _ in range(52):
        angle = (low + high) / 2
        if cumulative(math.sqrt(freedom) * math.tan(angle), freedom) < (
            probability
        ):
            low = angle
        else:
            high = angle
    return math.sqrt(freedom) * math.tan((low + high) / 2)
