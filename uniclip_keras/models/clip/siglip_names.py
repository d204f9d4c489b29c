"""What weights of SigLIP are called in other libraries; see `names`.

Its image tower has no head, and its text head has a bias. The normalization
after the last layer is the first one of `AttentionPooling` here.
"""

from uniclip_keras.models.clip.names import Entry
from uniclip_keras.models.clip.names import HuggingFace
from uniclip_keras.models.clip.names import OpenCLIP
from uniclip_keras.models.clip.names import block


class HuggingFaceSigLIP:
    """The names of `transformers.SiglipModel`."""

    is_siglip = True
    library = "transformers"
    mark = "vision_model.head.probe"
    text_projection = "text_model.head.weight"
    text_bias = "text_model.head.bias"
    logit_scale = "logit_scale"
    logit_bias = "logit_bias"
    projections_are_turned = True
    text = HuggingFace.text

    @staticmethod
    def image(layers):
        start = "vision_model"
        yield from _patches(f"{start}.embeddings.patch_embedding")
        yield Entry(
            "positions/embeddings",
            (f"{start}.embeddings.position_embedding.weight",),
        )
        yield from HuggingFace.blocks(start, layers)
        head = f"{start}.head"
        yield Entry("pooling/probe", (f"{head}.probe",))
        yield from block(
            "pooling",
            norms=[f"{start}.post_layernorm", f"{head}.layernorm"],
            qkv=[
                (f"{head}.attention.in_proj_weight",),
                (f"{head}.attention.in_proj_bias",),
            ],
            dense=[
                f"{head}.{part}"
                for part in ("attention.out_proj", "mlp.fc1", "mlp.fc2")
            ],
        )


class OpenCLIPSigLIP:
    """The names of open_clip's SigLIP, whose image tower is of timm."""

    is_siglip = True
    library = "open_clip"
    mark = "visual.trunk.attn_pool.latent"
    text_projection = "text.text_projection.weight"
    text_bias = "text.text_projection.bias"
    logit_scale = "logit_scale"
    logit_bias = "logit_bias"
    projections_are_turned = True

    @staticmethod
    def image(layers):
        start = "visual.trunk"
        yield from _patches(f"{start}.patch_embed.proj")
        yield Entry(
            "positions/embeddings", (f"{start}.pos_embed",), "positions"
        )
        for index in range(layers):
            theirs = f"{start}.blocks.{index}"
            yield from _timm_block(
                f"block_{index}",
                norms=[f"{theirs}.norm1", f"{theirs}.norm2"],
                qkv=[f"{theirs}.attn.qkv"],
                dense=[
                    f"{theirs}.{part}"
                    for part in ("attn.proj", "mlp.fc1", "mlp.fc2")
                ],
            )
        head = f"{start}.attn_pool"
        yield Entry("pooling/probe", (f"{head}.latent",))
        yield from _timm_block(
            "pooling",
            norms=[f"{start}.norm", f"{head}.norm"],
            # Keys and values are one array.
            qkv=[f"{head}.q", f"{head}.kv"],
            dense=[f"{head}.{part}" for part in ("proj", "mlp.fc1", "mlp.fc2")],
        )

    @staticmethod
    def text(layers):
        return OpenCLIP.text(layers, start="text.")


def _patches(theirs):
    yield Entry("patches/kernel", (f"{theirs}.weight",), "convolution")
    yield Entry("patches/bias", (f"{theirs}.bias",))


def _timm_block(ours, norms, qkv, dense):
    kernels_and_biases = [
        tuple(f"{part}.{kind}" for part in qkv) for kind in ("weight", "bias")
    ]
    return block(ours, norms, kernels_and_biases, dense)
