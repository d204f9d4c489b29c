"""What a step needs, and what this machine has."""

import pytest

from experiments.configs import emoji
from experiments.configs import yfcc15m_vit_b32
from experiments.run import memory
from uniclip_keras.errors import InputError


def test_a_batch_beyond_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 24 * 2**30)
    config = emoji.get_config()
    config.batch_size = 100_000
    with pytest.raises(InputError, match=r"76\.3 GB.* 24\.0 GB.*cache_size\)"):
        memory.check_memory(config)
    # Caching leaves the views, which a GPU would not hold either.
    config.model.gradient_cache_size = 1000
    memory.check_memory(config)
    config.batch_size = 1_000_000
    with pytest.raises(InputError, match=r"batch_size.$"):
        memory.check_memory(config)
    # Workers hold their shares, in a quarter of the bytes.
    memory.check_memory(config, workers=4)
    config.data.views_dtype = "uint8"
    memory.check_memory(config)


def test_bytes_of_a_batch():
    config = yfcc15m_vit_b32.get_config()
    assert memory.batch_bytes(config) == 4096 * 3 * 224**2 * 3
    config.data.views_dtype = "float32"
    assert memory.batch_bytes(config) == 4096 * 3 * 224**2 * 3 * 4


def test_memory_of_this_machine(tmp_path, monkeypatch):
    found = memory.available_bytes()
    assert found is None or 2**28 < found < 2**50
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CGROUP_LIMITS", [str(limit)])
    limit.write_text("123456\n")
    assert memory.available_bytes() == 123456
    limit.write_text("max\n")
    assert memory.available_bytes() == pytest.approx(found, rel=0.5)


def test_activations_grow_as_the_formula_says():
    config = emoji.get_config()
    # 16 tokens of 128 units, 2 layers, 4 heads; 14 or 16 values per unit.
    image = 2 * 16 * (14 * 128 + 4 * 16)
    text = 2 * 16 * (16 * 128 + 4 * 16)
    expected = 192 * (2 * image + text) * 4
    assert memory.activation_bytes(config) == expected
    config.data.views_dtype = "uint8"
    views = 192 * 2 * 32**2 * 3 * 4
    assert memory.activation_bytes(config) == expected + views
    config.data.views_dtype = "float32"
    config.model.gradient_cache_size = 96
    config.precision = "mixed_bfloat16"
    assert memory.activation_bytes(config) == expected // 4
