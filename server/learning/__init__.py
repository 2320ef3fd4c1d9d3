"""What brings history, twin and learnt models together: training, prediction and the registry of models."""
