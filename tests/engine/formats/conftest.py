"""What the tests of several readers share."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st


@pytest.fixture(scope="session")
def damaged():
    """``damaged(content, drawn)``: a file with up to three bytes changed, cut anywhere."""

    def damage(content: bytes, drawn: st.DataObject) -> bytes:
        changed = bytearray(content)
        for _ in range(drawn.draw(st.integers(0, 3))):
            place = drawn.draw(st.integers(4, len(changed) - 1))
            changed[place] = drawn.draw(st.integers(0, 255))
        return bytes(changed[: drawn.draw(st.integers(0, len(changed)))])

    return damage
