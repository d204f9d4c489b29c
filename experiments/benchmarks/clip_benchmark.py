"""The figures of CLIP_benchmark beside those of this package.

    pip install -e ".[clip-benchmark]"
    python -m experiments.benchmarks.clip_benchmark \
        --model=runs/emoji/saved_model

Images of the emoji corpus are written as CLIP_benchmark's own layout of tars
wants them, and an exported model is evaluated on them twice: by the public
package's command line, and as `experiments.evaluate` does. In retrieval, each
image has several captions. Captions and drawings of two items, such as flags
that are alike, are taken once: of tied candidates CLIP_benchmark takes any,
where this package takes the expectation.
"""

import glob
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

from experiments.benchmarks import benchmark
from experiments.configs.base import evaluation
from experiments.evaluate import evaluate_subject
from experiments.evaluation import storage
from experiments.evaluation.subject import load_saved_model
from uniclip_keras.errors import InputError

OPTIONS = {
    "model": ("runs/emoji/saved_model", "SavedModel to evaluate."),
    "tars": ("data/emoji/style-*.tar", "Tars of the emoji corpus."),
    "count": (1000, "Most images to take.", 1),
    "captions": (5, "Most captions of an image.", 1),
}
TEMPLATES = ["{}", "a drawing of {}", "an emoji of {}"]
KS = ["1", "5", "10"]
# What is found -> the way to ask.
WAYS = {"image": "text_to_image", "text": "image_to_text"}
# Task of CLIP_benchmark -> its metrics, and where they stand in results.json.
METRICS = {
    "zeroshot_classification": {
        "acc1": "zero_shot/classes/top1",
        "acc5": "zero_shot/classes/top5",
        "mean_per_class_recall": "zero_shot/classes/mean_per_class",
    },
    "zeroshot_retrieval": {
        f"{found}_retrieval_recall@{k}": f"retrieval/captions/{way}/R@{k}"
        for found, way in WAYS.items()
        for k in KS
    },
}


def main(options):
    """Evaluates a model on both sides and prints their figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        samples = read_samples(options.tars, options.count, options.captions)
        section = write_sets(folder, samples)
        theirs = {
            task: run_clip_benchmark(task, folder / task, options.model)
            for task in METRICS
        }
        subject = load_saved_model(options.model)
        results = evaluate_subject(subject, folder / "results", section)
        results.check()
        tied = count_tied(folder / "results")
    differences = []
    print("| metric | CLIP_benchmark | uniclip_keras | difference |")
    print("| --- | --- | --- | --- |")
    for task, metrics in METRICS.items():
        for metric, path in metrics.items():
            their, our = theirs[task][metric], results.values
            for key in path.split("/"):
                our = our[key]
            differences.append(abs(our - their))
            print(f"| {metric} | {their:.7f} | {our:.7f} | {our - their:.1e} |")
    texts = sum(len(sample["captions"]) for sample in samples)
    print(
        f"{len(samples)} images, {texts} captions: the largest difference is "
        f"{max(differences):.1e}; ties decide {tied} answers"
    )


def read_samples(tars, count, most_captions):
    """Reads the images: dicts of `image`, `subgroup` and `captions`."""
    samples, taken = [], set()
    for path in sorted(glob.glob(tars)):
        with tarfile.open(path) as tar:
            members = {member.name: member for member in tar}
            for name in [n for n in members if n.endswith(".json")]:
                record = json.load(tar.extractfile(members[name]))
                captions = [
                    text
                    for text in dict.fromkeys(record["captions"])
                    if text.lower() not in taken
                ][:most_captions]
                image = tar.extractfile(members[name[:-4] + "png"]).read()
                if captions and image not in taken:
                    taken |= {image, *(text.lower() for text in captions)}
                    sample = {"image": image, "captions": captions}
                    samples.append(sample | {"subgroup": record["subgroup"]})
    if not samples:
        raise InputError(
            f"--tars={tars} holds no sample: prepare the emoji corpus, or "
            "name tars of it."
        )
    rows = np.random.default_rng(0).permutation(len(samples))[:count]
    return [samples[row] for row in sorted(rows)]


def write_sets(folder, samples):
    """Writes the folder of each task; returns our section of the same sets."""
    classes = sorted({sample["subgroup"] for sample in samples})
    texts = {
        "classnames.txt": "\n".join(classes),
        "zeroshot_classification_templates.txt": "\n".join(
            template.replace("{}", "{c}") for template in TEMPLATES
        ),
    }
    write_set(folder / "zeroshot_classification", samples, classes, texts)
    texts = {"dataset_type.txt": "retrieval"}
    write_set(folder / "zeroshot_retrieval", samples, classes, texts)
    entries = {
        "classes": [[str(i), [name]] for i, name in enumerate(classes)],
        "captions": [[str(i), s["captions"]] for i, s in enumerate(samples)],
    }
    for name, pairs in entries.items():
        entry = [{"label": label, "texts": texts} for label, texts in pairs]
        (folder / f"{name}.json").write_text(json.dumps(entry))
    section = evaluation()
    section.directory = str(folder)
    with section.ignore_type():
        section.prompts = TEMPLATES
    section.zero_shot["classes"] = {
        "title": "Classes",
        "path": "zeroshot_classification/test/0.tar",
        "label_field": "cls",
        "classes": "classes.json",
    }
    section.retrieval["captions"] = {
        "title": "Captions",
        "path": "zeroshot_retrieval/test/0.tar",
        "label_field": "number",
        "classes": "captions.json",
    }
    return section


def write_set(folder, samples, classes, texts):
    """Writes a data set of CLIP_benchmark: a tar and what belongs to it."""
    (folder / "test").mkdir(parents=True)
    for name, text in {"test/nshards.txt": "1", **texts}.items():
        (folder / name).write_text(text)
    with tarfile.open(folder / "test/0.tar", "w") as tar:
        for number, sample in enumerate(samples):
            contents = {
                "png": sample["image"],
                "cls": str(classes.index(sample["subgroup"])).encode(),
                "txt": "\n".join(sample["captions"]).encode(),
                "json": json.dumps({"number": str(number)}).encode(),
            }
            for suffix, content in contents.items():
                info = tarfile.TarInfo(f"{number:06}.{suffix}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


def run_clip_benchmark(task, folder, saved_model):
    """Runs the public command line on a set; returns its metrics."""
    output = folder / "result.json"
    command = f"""
        -m uniclip_keras.clip_benchmark eval --model_type uniclip_keras
        --model uniclip --dataset wds/emoji --task {task}
        --num_workers 0 --no_amp --recall_k {" ".join(KS)}
    """.split()
    command += ["--pretrained", saved_model, "--dataset_root", str(folder)]
    command += ["--output", str(output)]
    if subprocess.run([sys.executable, *command]).returncode:
        raise InputError("CLIP_benchmark has failed: see its message above.")
    return json.loads(output.read_text())["metrics"]


def count_tied(folder):
    """Counts hits of queries that are neither sure nor excluded."""
    return sum(
        int(np.count_nonzero(scores.values % 1))
        for task in ("classes", "captions")
        for _, metrics in storage.read_scores(folder, task).values()
        for name, scores in metrics.items()
        if name.startswith(("top", "R@"))
    )


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
