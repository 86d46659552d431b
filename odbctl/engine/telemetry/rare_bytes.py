"""Finding a text in a block of bytes by the rarest of its bytes.

`bytes.find` looks for one byte with memchr(3), several times as fast as for a text of
several. So the byte of the text that is rarest in the block is looked for, and compared
only where it stands. Where none is rare, a compiled pattern is faster. Pure.
"""

from __future__ import annotations

import re

_SAMPLE_BYTES = 4096
# A byte is rare while there are at least so many bytes of the block for each one of it.
_RARE_BYTES = 1024


class TextSearch:
    """Finds a text in one block."""

    def __init__(self, block: bytes, text: bytes) -> None:
        """Choose the byte to look for.

        Args:
            block: Where to look.
            text: What to look for; not empty.
        """
        self._block = block
        self._text = text
        self._pattern = re.compile(re.escape(text))
        sample = block[:_SAMPLE_BYTES]
        self._rarest = min((text[at : at + 1] for at in range(len(text))), key=sample.count)
        self._offset = text.index(self._rarest)
        is_rare = sample.count(self._rarest) * _RARE_BYTES <= len(sample)
        # So many times it may stand elsewhere; then the sample has misled.
        self._tries = len(block) // _RARE_BYTES if is_rare else 0

    def find(self, start: int) -> int:
        """Return where the text stands at or after a place, -1 when it does not."""
        while self._tries > 0:
            at = self._block.find(self._rarest, start + self._offset)
            if at < 0:
                return -1
            start = at - self._offset
            if self._block.startswith(self._text, start):
                return start
            start += 1
            self._tries -= 1
        found = self._pattern.search(self._block, start)
        return -1 if found is None else found.start()
