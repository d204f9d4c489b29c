"""The guard: after how many skipped updates a run ends, and what it says."""

import pytest
import tiny_model as tiny

from uniclip_keras import training
from uniclip_keras.errors import InputError


def test_a_run_ends_after_so_many_skipped_updates(model):
    good = tiny.make_batch(4)
    bad = tiny.spoiled(good)
    guard = training.NonFiniteGuard(4, lambda: "keys k7, k8")
    # The look after 4 steps sees a row of 2, the next one comes after 2 more.
    data = tiny.dataset([bad, good, bad, bad, bad, bad, bad, bad])
    with pytest.raises(InputError) as caught:
        model.fit(data, callbacks=[guard], shuffle=False, verbose=0)
    for words in (
        "last 4 updates up to step 6 were skipped (keys k7, k8)",
        "last checkpoint is good",
        "--allow_changes",
    ):
        assert words in str(caught.value)


def test_rows_of_skips_that_end_are_no_reason_to_stop(
    model, batches, monkeypatch
):
    looks, look = [], training.NonFiniteGuard._look
    monkeypatch.setattr(
        training.NonFiniteGuard, "_look", lambda g: looks.append(1) or look(g)
    )
    guard = training.NonFiniteGuard(3)
    model.fit(batches(), callbacks=[guard], verbose=0)
    assert len(looks) == 2
    # A checkpoint may be of the middle of a row that a change then ends.
    model.counts.skipped_in_a_row.assign(3)
    model.fit(batches(), callbacks=[guard], verbose=0)
    with pytest.raises(InputError, match="limit=0 skipped updates"):
        training.NonFiniteGuard(0)
