"""The model of the step benchmark in PyTorch, and its training.

A pre-norm ViT with a class token and a causal text transformer in the idioms of
PyTorch, with `scaled_dot_product_attention`. Epsilons are those of the Keras
layers.
"""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from experiments.benchmarks.step import sides

# CLIP's channel statistics of [0, 1] images.
MEAN = 0.48145466, 0.4578275, 0.40821073
STD = 0.26862954, 0.26130258, 0.27577711


class Block(nn.Module):
    """A pre-norm transformer block over tokens `[b, t, width]`."""

    def __init__(self, width, heads, activation, epsilon, causal):
        super().__init__()
        self.heads, self.activation, self.causal = heads, activation, causal
        self.norm_1 = nn.LayerNorm(width, epsilon)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_2 = nn.LayerNorm(width, epsilon)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def forward(self, x):
        b, t, width = x.shape
        # [b, t, 3 * width] -> three of [b, heads, t, width / heads]
        qkv = self.qkv(self.norm_1(x)).view(b, t, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(
            query, key, value, is_causal=self.causal
        )
        x = x + self.out(attended.transpose(1, 2).reshape(b, t, width))
        return x + self.contract(self.activation(self.expand(self.norm_2(x))))


class CLIP(nn.Module):
    """Both towers, their linear heads and the loss of CLIP."""

    def __init__(
        self, image_size, patch_size, width, layers, text_layers, heads,
        vocabulary, length,
    ):  # fmt: skip
        super().__init__()
        patches = (image_size // patch_size) ** 2
        for name, values in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(values)[:, None, None])
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.patches = nn.Conv2d(3, width, patch_size, patch_size)
        self.image_positions = nn.Parameter(torch.zeros(patches + 1, width))
        self.image_blocks = nn.Sequential(
            *(
                Block(width, heads, functional.gelu, 1e-6, causal=False)
                for _ in range(layers)
            )
        )
        self.image_norm = nn.LayerNorm(width, 1e-6)
        self.tokens = nn.Embedding(vocabulary, width)
        self.text_positions = nn.Parameter(torch.zeros(length, width))
        self.text_blocks = nn.Sequential(
            *(
                Block(width, heads, quick_gelu, 1e-5, causal=True)
                for _ in range(text_layers)
            )
        )
        self.text_norm = nn.LayerNorm(width, 1e-6)
        self.log_temperature = nn.Parameter(torch.zeros(()))
        self.head_norm = nn.LayerNorm(width, 1e-3)
        self.image_head = nn.Linear(width, width, bias=False)
        self.text_head = nn.Linear(width, width, bias=False)

    def forward(self, images, tokens):
        """Returns the loss of images `[b, 3, h, w]` and tokens `[b, t]`."""
        x = self.patches((images - self.mean) / self.std)
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1)
        x = self.image_norm(self.image_blocks(x + self.image_positions))
        images = self.image_head(self.head_norm(x[:, 0]))
        x = self.tokens(tokens) + self.text_positions
        x = self.text_norm(self.text_blocks(x))
        end = tokens.argmax(dim=1)
        texts = self.text_head(x[torch.arange(len(x)), end])
        images = functional.normalize(images, dim=1)
        texts = functional.normalize(texts, dim=1)
        logits = images @ texts.T * torch.exp(-self.log_temperature)
        labels = torch.arange(len(logits), device=logits.device)
        return (
            functional.cross_entropy(logits, labels)
            + functional.cross_entropy(logits.T, labels)
        ) / 2


def quick_gelu(x):
    """CLIP's activation."""
    return x * torch.sigmoid(1.702 * x)


def load(model, arrays):
    """Copies the weights of the Keras model, which come in its order."""
    arrays = iter(arrays)

    @torch.no_grad()
    def put(target, value=None):
        value = next(arrays) if value is None else value
        target.copy_(torch.from_numpy(value.reshape(target.shape)))

    def put_turned(target):
        """A kernel `[in, out]`."""
        put(target, np.ascontiguousarray(next(arrays).T))

    def norm(layer):
        put(layer.weight)
        put(layer.bias)

    def dense(layer):
        put_turned(layer.weight)
        if layer.bias is not None:
            put(layer.bias)

    def block(layer):
        norm(layer.norm_1)
        dense(layer.qkv)
        dense(layer.out)
        norm(layer.norm_2)
        dense(layer.expand)
        dense(layer.contract)

    # [height, width, in, out] -> [out, in, height, width]
    put(
        model.patches.weight,
        np.ascontiguousarray(next(arrays).transpose(3, 2, 0, 1)),
    )
    put(model.patches.bias)
    put(model.class_token)
    put(model.image_positions)
    for layer in model.image_blocks:
        block(layer)
    norm(model.image_norm)
    put(model.tokens.weight)
    put(model.text_positions)
    for layer in model.text_blocks:
        block(layer)
    norm(model.text_norm)
    # Temperatures of image-image, image-text and text-text, then offsets.
    put(model.log_temperature, next(arrays)[1:2])
    next(arrays)
    norm(model.head_norm)
    dense(model.image_head)
    dense(model.text_head)
    if next(arrays, None) is not None:
        raise RuntimeError("PyTorch's model has fewer weights than Keras'.")


def train(start, sizes, steps):
    """Trains; returns the ends of the steps and the first two losses."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with np.load(start) as file:
        count = sum(name.startswith("weight_") for name in file)
        arrays = [file[f"weight_{index}"] for index in range(count)]
        images = torch.from_numpy(
            np.ascontiguousarray(file["images"].transpose(0, 3, 1, 2))
        )
        tokens = torch.from_numpy(file["tokens"].astype("int64"))
    model = CLIP(
        *(
            sizes[name]
            for name in (
                "image_size", "patch_size", "width", "layers", "text_layers",
                "heads", "vocabulary", "context",
            )
        )
    )  # fmt: skip
    load(model, arrays)
    model.to(device)
    begin, ends, losses = time.perf_counter(), [], []
    optimizer = torch.optim.AdamW(
        model.parameters(),
        sides.LEARNING_RATE,
        eps=sides.EPSILON,
        weight_decay=sides.WEIGHT_DECAY,
    )
    for _ in range(steps):
        loss = model(images.to(device), tokens.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # Waits for the device, as Keras' logs do.
        losses.append(loss.item())
        if device == "cuda":
            torch.cuda.synchronize()
        ends.append((time.perf_counter() - begin, time.process_time()))
    return ends, losses[:2]
