"""Options of `hybrid compare`, by the group in which its help lists them."""

import click

from hybrid.cli import completion

SCORES = (
    click.option(
        "--split",
        type=click.Choice(["train", "val", "test"]),
        default="test",
        show_default=True,
        help="Split on which models are compared. The model is always chosen on val.",
    ),
    click.option("--hide-test", is_flag=True, help="Compare on val, so that no score on test is shown."),
    click.option(
        "--order-by",
        type=click.Choice(["val", "test"]),
        default="val",
        show_default=True,
        help="Split whose scores order the models. The model with the best score on test is often just the luckiest "
        "there.",
    ),
    click.option(
        "--per-group",
        type=click.Choice(["mean", "max", "vote"]),
        default=None,
        help="Also score each group, such as each patient, as one case, by the mean or the highest probability of its "
        "images, or by their votes. Groups whose images have different labels are left out.",
    ),
    click.option(
        "--by",
        multiple=True,
        metavar="COLUMN[:BINS][+COLUMN]",
        help="Also score subgroups of the images by a further column of the data (repeatable): sex, age:50,70 with "
        "limits of bins, or sex+view for combinations. Numbers without limits are divided at their quartiles.",
    ),
    click.option(
        "--fixed-classes/--varying-classes",
        default=True,
        show_default=True,
        help="Whether intervals and tests hold for other images with the same share of each class, or for images in "
        "which the shares vary as well, as in a consecutive series of patients. In multi-label tasks they always vary.",
    ),
    click.option(
        "--prevalence",
        default=None,
        metavar="SHARE|SHARES",
        help="Share of the positive class where the model would be used, such as 0.05, or a=0.05,b=0.2 of classes or "
        "labels: adds predictive values and the net benefit there. Unlike `hybrid fit --prevalence`, it changes no "
        "model and no probability that a model returns.",
    ),
    click.option(
        "--cv",
        default=None,
        metavar="FOLDS[xREPEATS]",
        help="Also compare by cross-validation, such as 5x2: every model is fitted again on folds of train and "
        "validation.",
    ),
)
DOMAINS = click.option(
    "--cv-domains",
    default=None,
    metavar="COLUMN",
    help="Also compare by leaving out one value of a further column at a time, such as one hospital: every model is "
    "fitted again on the other ones. With --choose domains, the model is chosen by it.",
)
CHOICE = (
    click.option(
        "--metric",
        default=None,
        shell_complete=completion.metrics,
        help="Metric by which models are chosen and sorted. Default: that of the plan, or of the task.",
    ),
    click.option(
        "--choose",
        default=None,
        metavar="simplest|best|domains|MODEL",
        help="How the model is chosen on validation: the simplest model within one standard error of the best, or the "
        "best model. domains: the best mean over the domains that --cv-domains leaves out. Or the name of a model that "
        "was fixed before its scores were known. Default: as planned, or simplest.",
    ),
)
TESTS = (
    click.option(
        "--reference",
        default=None,
        metavar="MODEL",
        shell_complete=completion.models,
        help="Model that each other model is compared with. Default: the chosen model.",
    ),
    click.option(
        "--all-pairs",
        is_flag=True,
        help="Compare every pair of models. More tests need a stricter correction, so that fewer differences are "
        "found.",
    ),
    click.option(
        "--primary",
        multiple=True,
        metavar="METRIC",
        shell_complete=completion.metrics,
        help="A metric that may decide, besides the one by which models are chosen (repeatable). Holm's correction is "
        "for the tests of all primary metrics together.",
    ),
    click.option(
        "--margin",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=None,
        help="Margin of a non-inferiority test, such as 0.02: is each model worse than the reference by less than "
        "this?",
    ),
)
