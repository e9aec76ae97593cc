"""The commands of ``python -m benchmarks``: one module a command, which parses, calls and prints.

No module here loads TensorFlow or matplotlib before its command needs it.
"""
