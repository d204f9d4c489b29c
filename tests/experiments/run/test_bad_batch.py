"""The keys of a batch that a run could not learn from."""

import json

from experiments.run import data
from experiments.run.bad_batch import describe_batch
from experiments.run.workdir import read_config
from uniclip_keras.data import load_tokenizer


def test_the_batch_is_named_and_written(trained, tmp_path):
    config, workdir = trained
    tokenizer = load_tokenizer(str(workdir))
    source = data.build_source(read_config(workdir))
    text = describe_batch(config, source, tokenizer, 12, tmp_path)
    written = json.loads((tmp_path / "bad_batch.json").read_text())
    batches = data.build_dataset(config, source, tokenizer, with_keys=True)
    *_, third = batches.take(3).as_numpy_iterator()
    keys = [key.decode() for key in third["key"]]
    assert written["position"] == 12
    assert [row["key"] for row in written["samples"]] == keys
    assert {row["source"] for row in written["samples"]} == {"all"}
    assert text == (
        f"batch at sample 12 with the keys {', '.join(keys[:3])} and 3 others, "
        f"all in {tmp_path}/bad_batch.json"
    )
