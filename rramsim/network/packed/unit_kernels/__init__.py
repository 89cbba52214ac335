"""The kernels of each unit of the processor, a file for each unit."""
