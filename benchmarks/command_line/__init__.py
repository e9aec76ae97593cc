"""The commands of ``python -m benchmarks``, one module each.

No module loads TensorFlow or matplotlib before its command needs it.
"""
