"""The commands of ``python -m cifar_models``, one module each.

No module loads TensorFlow or matplotlib before its command needs it.
"""
