"""The emoji corpus on disk: written from its plan, kept while up to date."""

import collections
import concurrent.futures
import itertools
import pathlib
import sys
import time

from experiments.corpora import writing
from experiments.corpora.emoji import drawings
from experiments.corpora.emoji import packages
from experiments.corpora.emoji import words
from experiments.corpora.emoji.plan import plan_corpus

# Raise it whenever equal packages and an equal seed give other files.
FORMAT = 2


def prepare(output_dir, seed=0, overwrite=False, plan=None):
    """Writes a `Plan`, by default of the whole corpus, unless up to date.

    Raises:
        InputError: A package is missing, or `output_dir` is a file, cannot
            be written or holds something else.
    """
    target = pathlib.Path(output_dir).absolute()
    existing = writing.read_summary(
        target, "corpus.json", _is_ours, "an emoji corpus"
    )
    up_to_date = existing and _is_up_to_date(target, existing, seed)
    if up_to_date and not overwrite:
        print(f"{output_dir} is up to date (--overwrite writes it anew).")
        _print_counts(existing)
        return
    started = time.monotonic()
    with writing.replaced(target) as folder:
        print("Reading the packages ...", file=sys.stderr)
        corpus = _write(plan or plan_corpus(seed), folder)
    _print_counts(corpus)
    print(f"Wrote {output_dir} in {time.monotonic() - started:.0f} s.")


def _fingerprint(seed):
    """Returns what the bytes of a corpus depend on."""
    return {"format": FORMAT, "seed": seed, "versions": packages.versions()}


def _write(plan, folder):
    """Writes every file; returns the contents of `corpus.json`."""
    total = sum(len(samples) for samples in plan.samples.values())
    drawn = writing.with_progress(_draw(plan), "drawings", total)
    sizes = {}
    for split, samples in plan.samples.items():
        rows = itertools.islice(drawn, len(samples))
        sizes |= writing.write_shards(folder, split, rows)
    names, shared = words.name_list([i for i in plan.items if not i.toned])
    all_names, all_shared = words.name_list(plan.items)
    lists = {
        "names.json": names,
        "names_all.json": all_names,
        "groups.json": words.group_classes(plan.items),
        "subgroups.json": words.subgroup_classes(plan.items),
    }
    for name, content in lists.items():
        sizes[name] = (folder / name).write_bytes(writing.to_json(content))
    concepts = {
        split: len({s.item.concept for s in plan.samples[split]})
        for split in ("val_novel", "novel")
    }
    corpus = {
        **_fingerprint(plan.seed),
        "counts": {
            split: collections.Counter(sample.style for sample in samples)
            for split, samples in plan.samples.items()
        },
        "items": {
            "base": len(names),
            "all": len(all_names),
            "sharing_a_name": max(shared, all_shared),
            "unseen_concepts": concepts,
        },
        "dropped": plan.dropped,
        "licences": packages.LICENSES,
        "files": sizes,
    }
    (folder / "corpus.json").write_bytes(writing.to_json(corpus))
    return corpus


def _draw(plan):
    """Yields `(key, {extension: bytes})` of all samples, drawn in threads."""
    samples = list(itertools.chain(*plan.samples.values()))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pictures = pool.map(drawings.render, [s.path for s in samples])
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
            yield writing.to_sample(sample.key, picture, item.name, record)


def _is_ours(corpus):
    return {"format", "seed", "versions", "counts", "files"} <= set(corpus)


def _is_up_to_date(target, corpus, seed):
    """Whether a corpus has the seed and versions, and all of its files."""
    sizes = {path.name: path.stat().st_size for path in target.iterdir()}
    return (
        _fingerprint(seed).items() <= corpus.items()
        and corpus["files"].items() <= sizes.items()
    )


def _print_counts(corpus):
    counts = corpus["counts"]
    styles = sorted({style for row in counts.values() for style in row})
    print(f"{'split':<12}" + "".join(f"{s:>11}" for s in [*styles, "all"]))
    for split, row in counts.items():
        cells = [row.get(style, 0) for style in styles]
        cells.append(sum(cells))
        print(f"{split:<12}" + "".join(f"{cell:>11,d}" for cell in cells))
    items = corpus["items"]
    unseen = items["unseen_concepts"]
    print(
        f"{items['base']:,d} base items, {items['all']:,d} with skin tones; "
        f"{unseen['val_novel']} unseen concepts to validate, "
        f"{unseen['novel']} to test; "
        f"{items['sharing_a_name']} items share a name."
    )
    for reason, count in sorted(corpus["dropped"].items()):
        print(f"  dropped {count:5,d}  {reason}")
