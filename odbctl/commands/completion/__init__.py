"""Shell completion: the candidates for a word, and the scripts for each shell."""
