include: "workflow/Snakefile"


# An include never sets the default target, and `snakemake` without one would do nothing.
workflow.default_target = "all"
