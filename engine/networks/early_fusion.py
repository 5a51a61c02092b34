"""Early fusion: all spectra joined into one long line before the first layer."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from engine.networks.convolution_blocks import (
    ConvolutionEncoder,
    FusionConfig,
    absent_like,
    classifier,
    presence_mask,
)


class EarlyFusionCnn(nn.Module):
    """``{channel: B x 600} -> B x K`` logits (MSpecTmol, appendix N: "concatenated at the input").

    An absent channel is a stretch of zeros; the presence mask stands beside the features, so that
    it is not taken for a spectrum without lines.
    """

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ConvolutionEncoder(config, config.points * len(config.channels))
        self.classify = classifier(config, config.features + len(config.channels))

    def forward(self, spectra: Mapping[str, Tensor]) -> Tensor:
        mask = presence_mask(self.config, spectra)
        joined = [absent_like(spectra, name, self.config) for name in self.config.channels]
        features = self.encoder(torch.cat(joined, dim=1))
        return self.classify(torch.cat([features, mask.to(features.dtype)], dim=1))
