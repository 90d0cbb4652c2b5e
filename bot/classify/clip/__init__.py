"""CLIP models: one encoding of a picture, compared with what labels say in words, with heads and with samples."""
