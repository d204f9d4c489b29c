"""One process: it is the chief and shares with nobody.

What several workers share is in `test_strategies`, which starts processes.
"""

import pytest
import tensorflow as tf

from uniclip_keras import training


def test_one_process_shares_with_nobody(two_replicas):
    for strategy in (None, two_replicas):
        assert training.is_chief(strategy)
        assert training.share_from_chief(strategy)(lambda: b"x") == b"x"
    with pytest.raises(ZeroDivisionError):
        training.share_from_chief()(lambda: 1 / 0)
    add = training.workers.sum_over_workers(tf.distribute.get_strategy())
    assert add([1, 2]).tolist() == [1, 2]
