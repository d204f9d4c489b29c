"""Named sets of prompt templates, and templates that are refused."""

import pytest

from uniclip_keras.data.text import PROMPTS
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError


@pytest.mark.parametrize("name", PROMPTS)
def test_named_sets(name):
    templates = prompt_templates(name)
    assert len(set(templates)) == len(templates)
    assert all(template.count("{}") == 1 for template in templates)


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
