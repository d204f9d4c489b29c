"""What the loss costs a replica as batches and replicas grow."""
