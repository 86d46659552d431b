"""Text from outside, made fit to be stored.

Services, probes and exceptions supply messages that may be any object or hold half of a
surrogate pair, which SQLite cannot store. Used by workers before they send a message, and by
managers before they write one.
"""

from __future__ import annotations

MAX_REASON_CHARS = 500
MAX_MESSAGE_CHARS = 20_000


def plain_text(value: object, *, max_chars: int = MAX_MESSAGE_CHARS) -> str:
    """Return a value as text that can be stored and encoded as UTF-8. Never raises.

    Args:
        value: Anything; None becomes the empty text.
        max_chars: The length at which the text is cut.
    """
    if value is None:
        return ""
    try:
        text = value if type(value) is str else str.__str__(str(value))
    except BaseException as error:  # noqa: BLE001 - the `__str__` of an author's class
        text = f"<{type(value).__name__} whose text cannot be made: {type(error).__name__}>"
    text = text[:max_chars]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
