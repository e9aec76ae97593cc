"""Five CIFAR-10 classifiers, their data, their protocols and their training."""
