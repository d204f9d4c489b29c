"""The emoji corpus on disk: written from its plan, kept while up to date."""

import collections
import concurrent.futures
import pathlib
import sys
import time

from experiments.corpora import files
from experiments.corpora.emoji import drawings
from experiments.corpora.emoji import texts
from experiments.corpora.emoji.packages import LICENSES
from experiments.corpora.emoji.packages import versions
from experiments.corpora.emoji.plan import plan_corpus
from uniclip_keras.errors import InputError

# Raise it whenever equal packages and an equal seed give other files.
FORMAT = 1
_WORKERS = 2


def prepare(output_dir, seed=0, overwrite=False, plan=None):
    """Writes the corpus, unless it is up to date.

    Args:
        output_dir: Folder to write.
        seed: Integer.
        overwrite: Whether to write anew what is up to date.
        plan: `Plan` to write; the whole corpus by default.

    Returns:
        The contents of `corpus.json`.

    Raises:
        InputError: A package is missing, or `output_dir` is a file, cannot
            be written or holds something else.
    """
    if not output_dir:
        raise InputError(
            "--output_dir is empty: name a folder, e.g. data/emoji."
        )
    target = pathlib.Path(output_dir).absolute()
    existing = files.read_summary(
        target, "corpus.json", _is_ours, "an emoji corpus"
    )
    up_to_date = existing and _is_up_to_date(target, existing, seed)
    if up_to_date and not overwrite:
        print(f"{output_dir} is up to date (--overwrite writes it anew).")
        _print_counts(existing)
        return existing
    started = time.monotonic()
    with files.replaced(target) as folder:
        print("Reading the packages ...", file=sys.stderr)
        corpus = write_corpus(plan or plan_corpus(seed), folder)
    _print_counts(corpus)
    print(f"Wrote {output_dir} in {time.monotonic() - started:.0f} s.")
    return corpus


def fingerprint(seed):
    """Returns what the bytes of a corpus depend on, as in `corpus.json`."""
    return {"format": FORMAT, "seed": seed, "versions": versions()}


def write_corpus(plan, folder):
    """Draws the pictures and writes every file.

    Args:
        plan: `Plan`.
        folder: `pathlib.Path` of an existing, empty folder.

    Returns:
        The contents of `corpus.json`.
    """
    total = sum(len(samples) for samples in plan.samples.values())
    progress = files.Progress("drawings", total)
    sizes = {}
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
        for split, samples in plan.samples.items():
            finished = _draw(plan, samples, pool, progress)
            sizes.update(files.write_shards(folder, split, finished))
    base_items = [item for item in plan.items if not item.toned]
    names, shared = texts.name_list(base_items)
    all_names, all_shared = texts.name_list(plan.items)
    lists = {
        "names.json": names,
        "names_all.json": all_names,
        "groups.json": texts.group_classes(plan.items),
        "subgroups.json": texts.subgroup_classes(plan.items),
    }
    for name, content in lists.items():
        sizes[name] = (folder / name).write_bytes(files.to_json(content))
    corpus = {
        **fingerprint(plan.seed),
        "counts": {
            split: dict(
                sorted(collections.Counter(s.style for s in samples).items())
            )
            for split, samples in plan.samples.items()
        },
        "items": {
            "base": len(names),
            "all": len(all_names),
            "sharing_a_name": max(shared, all_shared),
            "novel_concepts": len(
                {s.item.concept for s in plan.samples["novel"]}
            ),
        },
        "dropped": plan.dropped,
        "licences": LICENSES,
        "files": sizes,
    }
    (folder / "corpus.json").write_bytes(files.to_json(corpus))
    return corpus


def _draw(plan, samples, pool, progress):
    """Yields `(key, {extension: bytes})` of the samples, drawn in threads."""
    pictures = pool.map(drawings.render, [sample.path for sample in samples])
    for sample, picture in zip(samples, pictures, strict=True):
        item = sample.item
        record = {
            "item": item.code,
            "id": item.id,
            "style": sample.style,
            "split": sample.split,
            "group": item.group,
            "subgroup": item.subgroup,
            "concept": item.concept,
            "names": item.names,
            "captions": plan.captions[item.code],
        }
        yield (
            sample.key,
            {
                "png": picture,
                "txt": item.name.encode(),
                "json": files.to_json(record),
            },
        )
        progress.step()


def _is_ours(corpus):
    return {"format", "seed", "versions", "counts", "files"} <= set(corpus)


def _is_up_to_date(target, corpus, seed):
    """Whether a corpus has the seed and versions, and all of its files."""
    wanted = fingerprint(seed)
    if any(corpus.get(key) != value for key, value in wanted.items()):
        return False
    return all(
        (target / name).is_file() and (target / name).stat().st_size == size
        for name, size in corpus["files"].items()
    )


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
