import numpy as np
import pytest

from uniclip_keras.data.text import PROMPTS
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import class_embeddings


class Encoder:
    """Gives each distinct text a fixed random vector of its own length."""

    def __init__(self):
        self.calls = []
        self.vectors = {}

    def __call__(self, texts):
        self.calls.append(list(texts))
        rng = np.random.default_rng(len(self.vectors))
        for text in texts:
            length = 1 + 9 * rng.random()
            self.vectors.setdefault(text, length * rng.normal(size=8))
        return np.stack([self.vectors[text] for text in texts])


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_mean_of_unit_vectors_at_unit_length():
    encode = Encoder()
    templates = ("{}", "a drawing of {}")
    classes = [["cat"], ["dog", "puppy", "cat"]]
    result = class_embeddings(encode, classes, templates)
    for row, texts in zip(result, classes, strict=True):
        prompts = [t.format(text) for text in texts for t in templates]
        vectors = unit(np.stack([encode.vectors[p] for p in prompts]))
        np.testing.assert_allclose(row, unit(vectors.mean(0)), atol=1e-6)
    # One call, and the text that two classes share is in it once.
    assert len(encode.calls) == 1
    assert len(encode.calls[0]) == len(set(encode.calls[0])) == 6


@pytest.mark.parametrize("name", PROMPTS)
def test_named_sets(name):
    templates = prompt_templates(name)
    assert len(set(templates)) == len(templates)
    assert all(template.count("{}") == 1 for template in templates)


def test_braces_in_texts_and_templates_are_text():
    encode = Encoder()
    class_embeddings(encode, [["{x} {}"]], ["{y} {}"])
    assert encode.calls == [["{y} {x} {}"]]


@pytest.mark.parametrize(
    "prompts, message",
    [
        ("emojis", "no prompts 'emojis'.*did you mean 'emoji'"),
        (["a photo"], "'a photo' has no '{}'"),
        ([], "empty"),
    ],
)
def test_bad_templates(prompts, message):
    with pytest.raises(InputError, match=message):
        prompt_templates(prompts)


@pytest.mark.parametrize("classes", [[], [["cat"], []], ["cat"]])
def test_bad_classes(classes):
    with pytest.raises(InputError):
        class_embeddings(Encoder(), classes)
