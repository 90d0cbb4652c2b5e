"""One walker for each picture format: where it ends, how large it says it is. Pure, never trusting a length."""
