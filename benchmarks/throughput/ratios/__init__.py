"""How much time and memory the suite saves against plain Keras scripts, each ratio to be measured again at will.

    python -m benchmarks.ratios memory
    python -m benchmarks.ratios training
    python -m benchmarks.ratios features

Both sides run as processes of their own, in alternating pairs, and each pair gives one ratio: what else the machine
does then slows both alike.
"""
