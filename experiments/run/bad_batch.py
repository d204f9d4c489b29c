"""The batch that a run could not learn from."""

from experiments.run import data
from experiments.run import files

BAD_BATCH = "bad_batch.json"


def describe_batch(config, source, tokenizer, position, workdir=None):
    """Returns a text about the batch that begins at a position.

    A batch is a function of its position, so it is made again with its keys.
    `bad_batch.json` in the workdir, if given, has all of them.
    """
    make = data.dataset_maker(config, source, tokenizer, with_keys=True)
    dataset = make(config.batch_size, first_row=position).take(1)
    batch = next(dataset.as_numpy_iterator())
    names = [
        name
        for name, entry in config.data.train.items()
        if entry.get("weight", 1.0)
    ]
    keys = [key.decode("utf-8", "replace") for key in batch["key"]]
    rows = [
        {"source": names[part], "key": key}
        for part, key in zip(batch["source"], keys, strict=True)
    ]
    text = f"batch at sample {position:,} with the keys {', '.join(keys[:3])}"
    if len(keys) > 3:
        text += f" and {len(keys) - 3:,} others"
    if workdir is not None:
        path = files.join(workdir, BAD_BATCH)
        files.write_json(path, {"position": position, "samples": rows})
        text += f", all in {path}"
    return text
