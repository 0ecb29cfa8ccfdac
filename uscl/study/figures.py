"""The figures of a whole study. Imports nothing: jobs that draw them must not rest on the models of settings."""

# By file name, as the reports call them.
FIGURES = {
    "overview": "scores of all arms",
    "differences": "differences to the reference",
    "variance": "luck of trainings and spread of patients",
    "cost": "cost and score",
    "ranks": "average ranks",
}
RANKINGS = 6  # tasks: average ranks over fewer hardly ever separate any arms
