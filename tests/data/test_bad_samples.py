"""The tally of bad samples."""

import concurrent.futures

import pytest

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.bad_samples import BadSamples
from uniclip_keras.errors import InputError


def test_summary_names_kinds_counts_and_few_examples():
    tally = BadSamples()
    tally.record_read(12)
    assert tally.summary() == "Read 12 samples and skipped none."
    assert (tally.good, tally.skipped) == (12, 0)
    tally.record_read(988)
    for number in range(5):
        tally.record(bad.CORRUPT_IMAGE, f"k{number}")
    tally.record(bad.EMPTY_CAPTION, "e")
    assert tally.summary() == (
        "Read 1,000 samples and skipped 6 (0.6 %): 5 corrupt image (k0, k1, "
        "k2), 1 empty caption (e)."
    )
    # Samples that nobody could read are read and skipped.
    assert tally.good == 994
    tally.record_lost("a.tar", 200)
    assert (tally.good, tally.read, tally.skipped) == (994, 1200, 206)
    assert "200 truncated file (a.tar)" in tally.summary()


def test_threads_lose_no_count():
    tally = BadSamples()

    def work(worker):
        for _ in range(500):
            tally.record_read(1)
            tally.record(bad.MISSING_TEXT, f"k{worker}")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert tally.read == 4000
    assert tally.counts == {bad.MISSING_TEXT: 4000}


def test_too_large_a_share_is_an_error_after_a_thousand_samples():
    tally = BadSamples(max_share=0.1)
    tally.record_read(999)
    tally.record(bad.CORRUPT_IMAGE, "k", 500)
    tally.check()
    tally.record_read(1)
    with pytest.raises(InputError, match="More than 10 % .* corrupt image"):
        tally.check()
    tally.record_read(9000)
    tally.check()
    BadSamples().check()
    # Lost samples end a run like any other.
    tally.record_lost("a.tar", 2000)
    with pytest.raises(InputError, match="2,000 truncated file"):
        tally.check()
    for share in (-0.1, 1.5):
        with pytest.raises(InputError, match=str(share)):
            BadSamples(max_share=share)
