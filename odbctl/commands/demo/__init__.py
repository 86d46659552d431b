"""`odbctl demo`: a tour of odbctl in a temporary home."""
