"""Mid-level fusion: one encoder a spectrum, their features joined before one classifier."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from engine.networks.convolution_blocks import (
    ConvolutionEncoder,
    FusionConfig,
    classifier,
    module_name,
    present_channels,
)


class MidFusionCnn(nn.Module):
    """``{channel: B x 600} -> B x K`` logits (MSpecTmol, appendix N: "independent CNN encoders ...
    then concatenated and passed to a shared MLP").

    The features of an absent channel are a learned vector.
    """

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        names = [module_name(channel) for channel in config.channels]
        self.encoders = nn.ModuleDict(
            {name: ConvolutionEncoder(config, config.points) for name in names}
        )
        self.absent = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(config.features)) for name in names}
        )
        self.classify = classifier(config, config.features * len(names))

    def forward(self, spectra: Mapping[str, Tensor]) -> Tensor:
        present = present_channels(self.config, spectra)
        size = len(spectra[present[0]])
        features = []
        for channel in self.config.channels:
            name = module_name(channel)
            if channel in present:
                features.append(self.encoders[name](spectra[channel]))
            else:
                features.append(self.absent[name].expand(size, -1))
        return self.classify(torch.cat(features, dim=1))
