"""The table of architectures. A network is chosen by name from here and from nowhere else.

All are small enough to train on two CPU cores and work in two and three dimensions. The two of a
task differ in kind, so that their disagreement says something: convolution against attention for
images; for masks, transposed convolutions and instance norm against interpolation and group norm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from monai.networks.blocks.convolutions import Convolution, ResidualUnit
from monai.networks.nets.densenet import DenseNet
from monai.networks.nets.segresnet import SegResNet
from torch import Tensor, nn

from learning.engine.errors import EngineError
from learning.engine.spec import Recipe, architecture_of
from learning.engine.tasks import TASKS

DROPOUT = 0.2
"""Share of the embedding that each pass leaves out, where a recipe asks for passes."""


class Network(nn.Module):
    """A named architecture whose ``forward`` gives (logits, embedding of each case)."""

    name: str
    recipe: Recipe
    answer_layers: tuple[str, ...] = ("head.",)
    """Beginnings of the names of what gives the answer: of no use to a network with another one."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


class DenseClassifier(Network):
    """A short, narrow DenseNet: some 50,000 weights."""

    answer_layers = ("trunk.class_layers.out.",)

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
        self.dropout = nn.Dropout(DROPOUT if recipe.passes else 0.0)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        *pooling, head = self.trunk.class_layers
        embedding = self.trunk.features(images)
        for layer in pooling:
            embedding = layer(embedding)
        return head(self.dropout(embedding)), embedding


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
        self.dropout = nn.Dropout(DROPOUT if recipe.passes else 0.0)
        self.head = nn.Linear(self.width, recipe.outputs)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        patches = self.stem(images).flatten(2).transpose(1, 2) + self.position
        embedding = self.attention(patches).mean(dim=1)
        return self.head(self.dropout(embedding)), embedding


class UNet(Network):
    """The U-shaped standard, in its light form: the first convolution already halves the image."""

    widths = (16, 32, 64)
    deepest = 96

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        dims, widths = recipe.dimensions, self.widths
        self.down = nn.ModuleList(
            ResidualUnit(dims, before, after, strides=2, subunits=1)
            for before, after in pairwise((recipe.channels, *widths))
        )
        self.bottom = ResidualUnit(dims, widths[-1], self.deepest, subunits=1)
        afters = (*widths[-2::-1], widths[0])
        belows = (self.deepest, *afters[:-1])
        self.up = nn.ModuleList(
            Convolution(dims, below + skipped, after, strides=2, is_transposed=True)
            for below, skipped, after in zip(belows, reversed(widths), afters, strict=True)
        )
        self.head = Convolution(dims, widths[0] + recipe.channels, recipe.outputs, conv_only=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        skips = [images]
        for down in self.down:
            skips.append(down(skips[-1]))
        current = self.bottom(skips[-1])
        embedding = current.flatten(2).mean(dim=2)
        for up in self.up:
            current = up(torch.cat([current, skips.pop()], dim=1))
        return self.head(torch.cat([current, images], dim=1)), embedding


class ResidualSegmenter(Network):
    """MONAI's SegResNet (residual blocks, group normalisation) at half the resolution.

    The last convolution sees its answer, enlarged, beside the image itself.
    """

    filters = 8

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        dims, width = recipe.dimensions, self.filters
        self.stem = Convolution(dims, recipe.channels, width, strides=2)
        self.trunk = SegResNet(
            spatial_dims=dims,
            init_filters=width,
            in_channels=width,
            out_channels=width,
            blocks_down=(1, 2, 2),
            blocks_up=(1, 1),
        )
        self.enlarge = nn.Upsample(scale_factor=2, mode="trilinear" if dims == 3 else "bilinear")
        self.head = Convolution(dims, width + recipe.channels, recipe.outputs, conv_only=True)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        deepest, levels = self.trunk.encode(self.stem(images))
        enlarged = self.enlarge(self.trunk.decode(deepest, levels[::-1]))
        return self.head(torch.cat([enlarged, images], dim=1)), deepest.flatten(2).mean(dim=2)


NETWORKS: dict[str, Callable[[Recipe], Network]] = {
    "densenet": DenseClassifier,
    "vit": VisionTransformer,
    "unet": UNet,
    "segresnet": ResidualSegmenter,
}


def build(name: str, recipe: Recipe) -> Network:
    """A fresh network of that architecture, or member of one; its weights follow from torch's seed."""
    architecture = architecture_of(name)
    if architecture not in NETWORKS:
        raise EngineError(f"There is no network “{name}”; choose among {', '.join(NETWORKS)}.")
    network = NETWORKS[architecture](recipe)
    network.name, network.recipe = name, recipe
    for remembered, value in TASKS[recipe.task].remembers.items():
        network.register_buffer(remembered, torch.tensor(value))
    return network
