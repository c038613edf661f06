"""GPU operations, one folder each: reference.py in plain PyTorch, kernel.py in Triton, the public function on top."""
