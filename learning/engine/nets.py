"""The table of architectures. A network is chosen by name from here and from nowhere else.

All are small enough to train on two CPU cores and work in two and three dimensions. The two of a
task differ in kind, so that their disagreement says something: convolution against attention for
images, plain skip connections against residual blocks for masks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from monai.networks.blocks.convolutions import Convolution
from monai.networks.blocks.dynunet_block import UnetResBlock, UnetUpBlock
from monai.networks.nets.densenet import DenseNet
from monai.networks.nets.segresnet import SegResNet
from torch import Tensor, nn

from learning.engine.errors import EngineError
from learning.engine.spec import Recipe


class Network(nn.Module):
    """A named architecture whose ``forward`` gives (logits, embedding of each case)."""

    name: str
    recipe: Recipe

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


class DenseClassifier(Network):
    """A short, narrow DenseNet: some 50,000 weights."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.trunk = DenseNet(
            spatial_dims=recipe.dimensions,
            in_channels=recipe.channels,
            out_channels=recipe.outputs,
            init_features=12,
            growth_rate=8,
            block_config=(2, 4, 4, 4),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        *pooling, head = self.trunk.class_layers
        embedding = self.trunk.features(images)
        for layer in pooling:
            embedding = layer(embedding)
        return head(embedding), embedding


class VisionTransformer(Network):
    """Attention over the patches of a strided convolutional stem, which few labels can train."""

    stem_widths = (8, 16, 32, 64)
    width, heads, layers = 64, 4, 3

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        widths = (recipe.channels, *self.stem_widths)
        self.stem = nn.Sequential(
            *(
                Convolution(recipe.dimensions, before, after, strides=2, act="RELU", norm="BATCH")
                for before, after in pairwise(widths)
            )
        )
        patches = math.prod(math.ceil(side / 2 ** len(widths[1:])) for side in recipe.input_size)
        self.position = nn.Parameter(torch.randn(1, patches, self.width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            self.width, self.heads, 2 * self.width, 0.1, "gelu", batch_first=True, norm_first=True
        )
        self.attention = nn.TransformerEncoder(
            layer, self.layers, norm=nn.LayerNorm(self.width), enable_nested_tensor=False
        )
        self.head = nn.Linear(self.width, recipe.outputs)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        patches = self.stem(images).flatten(2).transpose(1, 2) + self.position
        embedding = self.attention(patches).mean(dim=1)
        return self.head(embedding), embedding


class UNet(Network):
    """The U-shaped standard: three halvings, skip connections, instance normalisation."""

    widths = (12, 24, 48, 96)

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        dims, widths = recipe.dimensions, self.widths
        norm = ("INSTANCE", {"affine": True})
        steps = pairwise((recipe.channels, *widths))
        self.down = nn.ModuleList(
            UnetResBlock(dims, before, after, 3, 2 if depth else 1, norm)
            for depth, (before, after) in enumerate(steps)
        )
        self.up = nn.ModuleList(
            UnetUpBlock(dims, below, here, 3, 2, 2, norm)
            for below, here in zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)
        )
        self.head = Convolution(dims, widths[0], recipe.outputs, kernel_size=1, conv_only=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        levels, current = [], images
        for down in self.down:
            current = down(current)
            levels.append(current)
        embedding = current.flatten(2).mean(dim=2)
        for up, skip in zip(self.up, reversed(levels[:-1]), strict=True):
            current = up(current, skip)
        return self.head(current), embedding


class ResidualSegmenter(Network):
    """MONAI's SegResNet: a deep residual encoder, a light decoder, group normalisation."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.trunk = SegResNet(
            spatial_dims=recipe.dimensions,
            in_channels=recipe.channels,
            out_channels=recipe.outputs,
            init_filters=8,
            blocks_down=(1, 2, 2, 2),
            blocks_up=(1, 1, 1),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        deepest, levels = self.trunk.encode(images)
        return self.trunk.decode(deepest, levels[::-1]), deepest.flatten(2).mean(dim=2)


NETWORKS: dict[str, Callable[[Recipe], Network]] = {
    "densenet": DenseClassifier,
    "vit": VisionTransformer,
    "unet": UNet,
    "segresnet": ResidualSegmenter,
}


def build(name: str, recipe: Recipe) -> Network:
    """A fresh network; its weights follow from torch's seed."""
    if name not in NETWORKS:
        raise EngineError(f"There is no network “{name}”; choose among {', '.join(NETWORKS)}.")
    network = NETWORKS[name](recipe)
    network.name, network.recipe = name, recipe
    return network
