"""Values that no printer may show: which they are, and what stands in their place.

Fields of stored objects whose every value is secret have the type `Secret[...]`
(see `engine.odb.schema`). Here are the rules for texts that people wrote: names
that tell of a secret, addresses with credentials, the words of a command. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from odbctl.light_typing import cast

MASK = "********"
_SECRET_NAME = re.compile(
    r"(?i)passw|passphrase|secret|token|credential|private|auth|dsn|cookie|bearer"
    r"|(?:api|access|account|master|sign|signing|encrypt|encryption|hmac)[_-]?key"
    r"|(?:^|[^a-z])(?:pass|pwd)(?:$|[^a-z])"  # not "compass" or "passes"
)
# Between `://` and the last `@` before a blank: malformed addresses are masked, too.
_CREDENTIALS = re.compile(r"://([^\s'\"]*)@")
_SCP_CREDENTIALS = re.compile(r"(?<![^\s'\"=])[^\s/@:'\"]+:[^\s/@'\"]+@(?=[^\s/@:]+:)")
_QUERY = re.compile(r"(://[^\s?#'\"]*)[?#][^\s'\"]+")
# A header of a request, as commands take it in one word: all that follows its name.
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|cookie|(?:x-)?api-key|[\w-]+-token)(:\s*)(?!//)[^\s'\"][^'\"\n]*"
)
# What services call access tokens of theirs: GitLab, GitHub, Bitbucket, Atlassian.
_TOKEN = re.compile(r"(?i)\b(?:gl[a-z]{1,6}-|gh[pousr]_|github_pat_|atbb|atctt)[\w-]{6,}")
# Longer user names are access tokens in all but name.
_LONGEST_USER = 31
# A shorter value would be found by chance.
_LEAST_SECRET = 4


def is_secret_name(name: str) -> bool:
    """Return whether a name is one that people give to secrets, as `DB_PASSWORD`."""
    return _SECRET_NAME.search(name) is not None


def is_token(text: str) -> bool:
    """Return whether a text looks like an access token of a known service."""
    return _TOKEN.search(text) is not None


def mask_text(text: str) -> str:
    """Return a text in which credentials, queries and tokens of addresses are masked."""
    text = _CREDENTIALS.sub(_masked_credentials, text)
    text = _SCP_CREDENTIALS.sub(f"{MASK}@", text)
    text = _QUERY.sub(rf"\1?{MASK}", text)
    text = _HEADER.sub(rf"\1\2{MASK}", text)
    return _TOKEN.sub(MASK, text)


def _masked_credentials(found: re.Match[str]) -> str:
    user, sign, _ = found[1].partition(":")
    if sign:
        return f"://{user}:{MASK}@"
    return found[0] if len(user) <= _LONGEST_USER else f"://{MASK}@"


def mask_document(value: object, *, name: str = "") -> object:
    """Return a document in which values that may be secrets are masked.

    Args:
        value: Plain values, as JSON has them.
        name: What the value is called in its document.
    """
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value)
        return {key: mask_document(item, name=key) for key, item in items.items()}
    if isinstance(value, (list, tuple)):
        return [mask_document(item, name=name) for item in cast("Sequence[object]", value)]
    if value is not None and not isinstance(value, bool) and value and is_secret_name(name):
        return MASK
    return mask_text(value) if isinstance(value, str) else value


def mask_all(value: object) -> object:
    """Return a value of which only the names are left, as of a `Secret` field."""
    if isinstance(value, Mapping):
        return dict.fromkeys(cast("Mapping[str, object]", value), MASK)
    return MASK if value else value


def mask_words(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the words of a command line without secrets, and the secrets.

    The values of variables are secret, and those of options and configuration
    values with the name of a secret.
    """
    masked: list[str] = []
    secrets: list[str] = []
    option = ""
    for word in words:
        name, sign, value = word.partition("=")
        inner, _, inner_value = value.partition("=")
        if option == "--env" or name == "--env" or (sign and is_secret_name(name)):
            if name == "--env":  # --env=NAME=VALUE
                value = inner_value
                name = f"--env={inner}" if sign else name
            shown = f"{name}={MASK}" if value else name
        elif name.startswith("--") and inner_value and is_secret_name(inner):
            value, shown = inner_value, f"{name}={inner}={MASK}"  # --config=NAME=VALUE
        elif is_secret_name(option) and not option.endswith("-file"):
            value, shown = word, MASK
        else:
            shown = mask_text(word)
            value = word if shown != word else ""
        option = word if word.startswith("--") and not sign else ""
        secrets += [value] if value and shown != word else []
        masked.append(shown)
    return masked, secrets


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which no secret of a command line stands any more."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _LEAST_SECRET:
            text = text.replace(secret, MASK)
            text = text.replace(repr(secret)[1:-1], MASK)
    return mask_text(text)
