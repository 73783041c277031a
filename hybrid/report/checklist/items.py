"""The items of CLAIM 2024, and those of TRIPOD+AI that ask for more, in our own words.

Sources: Tejani et al., Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update, Radiology:
Artificial Intelligence 2024; Collins et al., TRIPOD+AI statement, BMJ 2024. The numbers are theirs.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """An item of a checklist.

    Attributes
    ----------
    key : str
        Its number, such as "19" for CLAIM and "T13" for TRIPOD+AI.
    section : str
        The section of the paper.
    text : str
        What is to be reported.
    """

    key: str
    section: str
    text: str

    @property
    def number(self) -> str:
        """The number as it is printed."""
        return f"TRIPOD+AI {self.key[1:]}" if self.key.startswith("T") else self.key


_SECTIONS = {
    "Title and abstract": {
        "1": "The title or abstract says that the study is one of AI, and which kind",
        "2": "Summary of design, methods, results and conclusions",
    },
    "Introduction": {
        "3": "Scientific and clinical background; intended use and role of the model",
        "4": "Aims and hypotheses",
    },
    "Methods: study design": {
        "5": "Prospective or retrospective",
        "6": "Goal of the study",
    },
    "Methods: data": {
        "7": "Where the data come from",
        "8": "Inclusion and exclusion criteria",
        "9": "Preprocessing of the images",
        "10": "How parts of the data were selected",
        "11": "How the data were de-identified",
        "12": "How missing or unreadable data were handled",
        "13": "How the images were acquired",
    },
    "Methods: reference standard": {
        "14": "How the true labels were obtained",
        "15": "Why this reference standard was chosen",
        "16": "Who made the annotations, and with which qualification",
        "17": "How the test images were annotated",
        "18": "Agreement between and within annotators, and how disagreements were resolved",
    },
    "Methods: partitions": {
        "19": "How the data were assigned to partitions, and in which proportions",
        "20": "On which level the partitions are disjoint: image, series, patient, institution",
        "21": "Intended number of test cases, and how it was determined",
    },
    "Methods: model": {
        "22": "The model: inputs, layers, outputs",
        "23": "Software libraries with versions",
        "24": "How the parameters were initialised, and pretrained weights",
    },
    "Methods: training": {
        "25": "How the model was trained: augmentation, settings, when training stopped",
        "26": "How the final model was selected",
        "27": "Ensembles",
    },
    "Methods: evaluation": {
        "28": "Measures of performance",
        "29": "Measures of uncertainty and significance",
        "30": "Robustness and sensitivity analyses",
        "31": "Methods of explanation",
        "32": "Testing on internal data",
        "33": "Testing on external data",
        "34": "Registration, for a clinical trial",
    },
    "Results: data": {
        "35": "Numbers of patients, examinations and images that were included and excluded",
        "36": "Characteristics of the cases of each partition",
    },
    "Results: performance": {
        "37": "Performance on all partitions",
        "38": "Estimates of diagnostic performance, with their precision",
        "39": "Failure analysis",
    },
    "Discussion": {
        "40": "Limitations",
        "41": "Implications for practice",
    },
    "Other information": {
        "42": "Where the full protocol is",
        "43": "Availability of software, model and data",
        "44": "Funding, and the role of the funders",
    },
    "Where TRIPOD+AI asks for more": {
        "T3c": "Known inequalities between groups of people",
        "T12e": "Calibration of the probabilities",
        "T13": "How imbalance of the classes was handled",
        "T14": "Fairness: performance in subgroups of people",
        "T15": "The model's output, and how its thresholds were set",
        "T16": "Differences between the data for development and evaluation",
        "T17": "Ethical approval and consent",
        "T18b": "Conflicts of interest",
        "T19": "Involvement of patients and the public",
        "T22": "The full model, so that others can predict with it",
        "T23b": "Differences of performance between clusters, such as hospitals",
        "T24": "Updating of the model",
        "T27": "Use in care: poor input, and the knowledge that users need",
    },
}
ITEMS = tuple(Item(key, section, text) for section, items in _SECTIONS.items() for key, text in items.items())
