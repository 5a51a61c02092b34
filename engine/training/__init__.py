"""Tables, tensors, objectives and the training loop."""
