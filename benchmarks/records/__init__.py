"""The records of nights: folders, trainings, results, history, differences."""
