"""The whole story of odbctl, played in a temporary home."""
