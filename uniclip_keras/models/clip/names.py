"""What weights of CLIP are called in other libraries, and how they lie there.

An `Entry` says that a weight of a tower is made of one or more arrays: linear
kernels are turned, and those of queries, keys and values stand side by side.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Entry:
    """A weight of ours and the arrays that hold it elsewhere.

    Attributes:
        ours: str. Path of the weight in its tower, as in "block_0/qkv_kernel".
        theirs: Tuple of the names of one or several arrays.
        kind: str. "same", "dense" `[out, in]`, "convolution" `[out, in, h, w]`,
            "token" `[width]` or "positions" `[1, tokens, width]`.
    """

    ours: str
    theirs: tuple
    kind: str = "same"

    def read(self, arrays):
        """Returns our weight from a dict of their arrays."""
        parts = [np.asarray(arrays[name], np.float32) for name in self.theirs]
        if self.kind == "dense":
            parts = [part.T for part in parts]
        elif self.kind == "convolution":
            parts = [part.transpose(2, 3, 1, 0) for part in parts]
        elif self.kind == "token":
            parts = [part.reshape(1, 1, -1) for part in parts]
        elif self.kind == "positions":
            parts = [part[0] for part in parts]
        return np.concatenate(parts, axis=-1)

    def write(self, weight):
        """Returns their arrays, a dict, of our weight."""
        parts = np.split(np.asarray(weight), len(self.theirs), axis=-1)
        if self.kind == "dense":
            parts = [part.T for part in parts]
        elif self.kind == "convolution":
            parts = [part.transpose(3, 2, 0, 1) for part in parts]
        elif self.kind == "token":
            parts = [part.reshape(-1) for part in parts]
        elif self.kind == "positions":
            parts = [part[None] for part in parts]
        return {
            name: np.ascontiguousarray(part)
            for name, part in zip(self.theirs, parts, strict=True)
        }


class HuggingFace:
    """The names of `transformers.CLIPModel`."""

    is_siglip = False
    library = "transformers"
    # A weight that other models do not have.
    mark = "vision_model.embeddings.class_embedding"
    image_projection = "visual_projection.weight"
    text_projection = "text_projection.weight"
    logit_scale = "logit_scale"
    # Projections are linear layers, `[out, in]`.
    projections_are_turned = True

    @staticmethod
    def image(layers):
        start = "vision_model"
        yield Entry(
            "patches/kernel",
            (f"{start}.embeddings.patch_embedding.weight",),
            "convolution",
        )
        yield Entry(
            "class_token/token",
            (f"{start}.embeddings.class_embedding",),
            "token",
        )
        yield Entry(
            "positions/embeddings",
            (f"{start}.embeddings.position_embedding.weight",),
        )
        # The spelling is theirs.
        yield from norm(
            "pre_norm/gamma", "pre_norm/beta", f"{start}.pre_layrnorm"
        )
        yield from HuggingFace.blocks(start, layers)
        yield from norm("norm/gamma", "norm/beta", f"{start}.post_layernorm")

    @staticmethod
    def text(layers):
        start = "text_model"
        for ours in ("token", "position"):
            yield Entry(
                f"embedding/{ours}_embedding/embeddings",
                (f"{start}.embeddings.{ours}_embedding.weight",),
            )
        yield from HuggingFace.blocks(start, layers)
        yield from norm("norm/gamma", "norm/beta", f"{start}.final_layer_norm")

    @staticmethod
    def blocks(start, layers):
        for index in range(layers):
            ours, theirs = f"block_{index}", f"{start}.encoder.layers.{index}"
            attention = [
                f"{theirs}.self_attn.{part}_proj" for part in ("q", "k", "v")
            ]
            yield from block(
                ours,
                norms=[f"{theirs}.layer_norm1", f"{theirs}.layer_norm2"],
                qkv=[
                    tuple(f"{part}.{kind}" for part in attention)
                    for kind in ("weight", "bias")
                ],
                dense=[
                    f"{theirs}.{part}"
                    for part in ("self_attn.out_proj", "mlp.fc1", "mlp.fc2")
                ],
            )


class OpenCLIP:
    """The names of open_clip's checkpoints, which are those of OpenAI."""

    is_siglip = False
    library = "open_clip"
    mark = "visual.class_embedding"
    image_projection = "visual.proj"
    text_projection = "text_projection"
    logit_scale = "logit_scale"
    # Projections are matrices `[in, out]`.
    projections_are_turned = False

    @staticmethod
    def image(layers):
        yield Entry("patches/kernel", ("visual.conv1.weight",), "convolution")
        yield Entry("class_token/token", ("visual.class_embedding",), "token")
        yield Entry("positions/embeddings", ("visual.positional_embedding",))
        yield from norm("pre_norm/gamma", "pre_norm/beta", "visual.ln_pre")
        yield from OpenCLIP.blocks("visual.transformer", layers)
        yield from norm("norm/gamma", "norm/beta", "visual.ln_post")

    @staticmethod
    def text(layers, start=""):
        for ours, theirs in (
            ("token", "token_embedding.weight"),
            ("position", "positional_embedding"),
        ):
            yield Entry(
                f"embedding/{ours}_embedding/embeddings", (start + theirs,)
            )
        yield from OpenCLIP.blocks(f"{start}transformer", layers)
        yield from norm("norm/gamma", "norm/beta", f"{start}ln_final")

    @staticmethod
    def blocks(start, layers):
        for index in range(layers):
            theirs = f"{start}.resblocks.{index}"
            yield from block(
                f"block_{index}",
                norms=[f"{theirs}.ln_1", f"{theirs}.ln_2"],
                # One array for all three.
                qkv=[
                    (f"{theirs}.attn.in_proj_weight",),
                    (f"{theirs}.attn.in_proj_bias",),
                ],
                dense=[
                    f"{theirs}.{part}"
                    for part in ("attn.out_proj", "mlp.c_fc", "mlp.c_proj")
                ],
            )


def norm(scale, offset, theirs):
    """Entries of a layer normalization."""
    yield Entry(scale, (f"{theirs}.weight",))
    yield Entry(offset, (f"{theirs}.bias",))


def block(ours, norms, qkv, dense):
    """Entries of a `TransformerBlock`."""
    for index, theirs in enumerate(norms, start=1):
        yield from norm(
            f"{ours}/norm_{index}_scale", f"{ours}/norm_{index}_offset", theirs
        )
    kernels, biases = qkv
    yield Entry(f"{ours}/qkv_kernel", kernels, "dense")
    yield Entry(f"{ours}/qkv_bias", biases)
    for part, theirs in zip(("out", "expand", "contract"), dense, strict=True):
        yield Entry(f"{ours}/{part}_kernel", (f"{theirs}.weight",), "dense")
        yield Entry(f"{ours}/{part}_bias", (f"{theirs}.bias",))
