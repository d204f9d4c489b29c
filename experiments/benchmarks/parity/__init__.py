"""CLIP's embeddings here and in the libraries that its weights come from."""
