"""The version of the JSON documents."""

from __future__ import annotations

VERSION = 1
