"""Late fusion: every spectrum predicts alone, and the probabilities are averaged."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from engine.networks.convolution_blocks import (
    ConvolutionEncoder,
    FusionConfig,
    classifier,
    module_name,
    present_channels,
)


class LateFusionCnn(nn.Module):
    """``{channel: B x 600} -> B x K`` logits of the mean probability over the present channels.

    MSpecTmol, appendix N: "each modality independently predicts ... through separate MLPs, and the
    final prediction is obtained by averaging the probability outputs".
    """

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.predictors = nn.ModuleDict(
            {
                module_name(channel): nn.Sequential(
                    ConvolutionEncoder(config, config.points), classifier(config, config.features)
                )
                for channel in config.channels
            }
        )

    def forward(self, spectra: Mapping[str, Tensor]) -> Tensor:
        present = present_channels(self.config, spectra)
        logits = torch.stack([self.predictors[module_name(c)](spectra[c]) for c in present]).float()
        # The logit of the mean of p: log(sum of p) - log(sum of 1 - p), the count cancels.
        return torch.logsumexp(logsigmoid(logits), 0) - torch.logsumexp(logsigmoid(-logits), 0)
