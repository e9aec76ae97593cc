"""The command line, for whoever wants one model and not a night: one module a command.

No module here loads TensorFlow or matplotlib before its command needs it.
"""
