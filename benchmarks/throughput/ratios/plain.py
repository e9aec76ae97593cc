"""A training as a plain Keras script has it: float32 arrays, the whole model in every step, Keras's own everything."""

from __future__ import annotations

from typing import Any

from benchmarks.throughput.ratios.arguments import Times, load_data, now, parse_side, print_figures


def main() -> None:
    """Train, and print the figures."""
    import keras

    from cifar_models.datasets.normalization import FITS
    from cifar_models.experiments import find_experiment
    from cifar_models.training.train import default_weights

    arguments = parse_side(__doc__)
    experiment = find_experiment(arguments.experiment)
    protocol = experiment.protocol
    dataset = load_data(arguments)
    weights = default_weights(experiment, dataset, arguments.weights_dir)
    normalize = FITS[protocol.normalization](dataset.train_images)
    train_images, evaluation_images = normalize(dataset.train_images), normalize(dataset.evaluation_images)
    train_labels = keras.utils.to_categorical(dataset.train_labels, 10)
    evaluation_labels = keras.utils.to_categorical(dataset.evaluation_labels, 10)
    del dataset  # a script would not keep the bytes

    epochs: list[tuple[Times, Times]] = []

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
            self.began = now()

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
            epochs.append((self.began, now()))

    began = now()
    for seed in range(arguments.seeds):
        keras.utils.set_random_seed(seed)
        model = experiment.build()
        if weights:
            weights.assign(model)
        rate = protocol.learning_rate
        if protocol.learning_rate_schedule == "cosine":
            steps = -(-len(train_images) // protocol.batch_size)
            rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=arguments.epochs * steps)
        model.compile(keras.optimizers.Adam(rate), protocol.loss, metrics=["accuracy"], jit_compile=False)
        model.fit(
            train_images,
            train_labels,
            batch_size=protocol.batch_size,
            epochs=arguments.epochs,
            validation_data=(evaluation_images, evaluation_labels),
            callbacks=[
                Clock(),
                keras.callbacks.EarlyStopping(
                    protocol.early_stopping_monitor, patience=arguments.epochs, restore_best_weights=True
                ),
            ],
            verbose=0,
        )
        model.predict(evaluation_images, batch_size=protocol.batch_size, verbose=0)
    epoch_began, epoch_ended = epochs[-1]
    print_figures(began=began, ended=now(), epoch_began=epoch_began, epoch_ended=epoch_ended)


if __name__ == "__main__":
    main()
