"""The head that takes an encoder's vectors into the space that two kinds of them share."""

from __future__ import annotations

from torch import Tensor, nn


class ProjectionHead(nn.Module):
    """Linear, GELU, linear, dropout, residual, layer norm: ``n x inputs -> n x outputs``.

    K-M3AID has four of them, 512 wide (appendix C.1).
    """

    def __init__(self, inputs: int, outputs: int = 512, dropout: float = 0.1) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, outputs)
        self.second = nn.Sequential(nn.GELU(), nn.Linear(outputs, outputs), nn.Dropout(dropout))
        self.norm = nn.LayerNorm(outputs)
        # Dot products of two such vectors then begin with a variance of one, not of ``outputs``.
        nn.init.constant_(self.norm.weight, outputs**-0.25)

    def forward(self, vectors: Tensor) -> Tensor:
        first = self.first(vectors)
        return self.norm(first + self.second(first))
