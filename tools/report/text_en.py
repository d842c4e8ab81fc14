"""The report in English."""

from tools.report.language import Language

QUALITY = (
    "image AUROC",
    "95 % interval",
    "pixel AUROC",
    "AUPRO",
    "false alarms",
    "missed",
)
ENGLISH = Language(
    code="en",
    title="One bad nut: industrial anomaly detection",
    line=(
        "Report on {category} ({source}), profile “{profile}”. Every number comes from the records "
        "of the run named at the end."
    ),
    question="Question {number}: {title} ({points} points)",
    titles={
        "data": "know your data",
        "attempts": "four attempts, and why the best is best",
        "tail": "long-tailed data",
        "strategies": "training with good images only",
        "labels": "data for detection and segmentation",
    },
    summaries={
        "data": (
            "The category {category} ({source}) has {images} images: {train} for training, all "
            "good, and {tested} for testing, of which {good} are good and {defective} defective "
            "({defects}). So a model must learn what good is, and has never seen a defect before it "
            "is tested. The headers of all files were read: {sizes}. Each defect has a mask. "
            "Together the masks hold {regions} connected regions, and they cover between {least} % "
            "and {most} % of a defective image, {middle} % in the median: a score that averages "
            "over the whole picture drowns the small ones. Accuracy would mislead, since always "
            "answering “defective” is right in {always} % of these tests. We report the AUROC with "
            "its score interval, because {good} × {defective} pairs are few. A map that never "
            "looks, brightest in the middle, already reaches a pixel AUROC of {blind}. Thresholds "
            "come from held-out good images only."
        ),
        "attempts": (
            "All attempts saw the same {train} good images, were tested on the same {tested} "
            "images, and ran with {seeds} random seeds; the last epoch counts, never the best. The "
            "baseline autoencoder has an image AUROC of {baseline}. {lead}. A likely reason: "
            "{reason}. Of the {gains} other attempts, {proven} are shown to be better than the "
            "baseline. The lowest figure is that of {worst}, {lowest}. The easiest "
            "damage is {easiest}, the hardest {hardest}, and {escaped} of {defective} damaged "
            "images escape every attempt at its threshold, which was set for one false alarm in "
            "twenty. The AUPRO of the maps runs from {aupro_from} to {aupro_to}. Another product "
            "may have another winner. Choose by the damage that you must not miss."
        ),
        "tail": (
            "Data are long-tailed when few classes hold most examples: here {most} good nuts stand "
            "against {fewest} of the rarest defect, an imbalance factor of {factor}. We chose "
            "Balanced-MixUp (Galdran, Carneiro and González Ballester, MICCAI 2021). It draws one "
            "batch instance-balanced and one class-balanced and trains on their mixture, a share "
            "λ ~ Beta({alpha}, 1) of the second: rare pictures come often, mostly faintly, and "
            "never twice alike. On {tested} new, hard nuts the balanced accuracy {accuracy_moves} from "
            "{accuracy_from} to {accuracy_to} ({gain}, interval {low} to {high} over {seeds} "
            "seeds, corrected for {remedies} remedies): {shown}. The calibration error "
            "{error_moves} from {error_from} to {error_to}. {others}. Mixing needs labelled defects, so it cannot train a detector from good "
            "images alone; {turn}. A factory therefore begins with a one-class detector, keeps and "
            "labels what it stops, and adds a classifier later."
        ),
        "strategies": (
            "A detector that sees good images only must say what good is. Autoencoders, GANs and "
            "diffusion models reconstruct it, memories keep it, flows learn its density, students "
            "imitate a teacher on it; CutPaste makes synthetic defects. On the same {tested} images "
            "the image AUROCs are: baseline autoencoder {baseline}, {others}. {best} is highest; "
            "of the {behind} others, compared with it together, {worse} are worse, {equal} as good "
            "within {margin}, and {open} not shown to differ. PatchCore and FastFlow are not imitation "
            "learning: one is a memory, the other a density. Thresholds from good images stop "
            "{false_alarms} of good parts, {expected} were expected."
        ),
        "labels": (
            "Models that find and outline damage must be told where it is. The masks give {objects} "
            "objects of {classes} classes on {pictures} pictures, one for each connected region. "
            "Two rules, written down before anyone annotates (nothing below {least_area} pixels; "
            "regions within {join_within} pixels are one), leave {joined}. Boxes go to COCO, Pascal "
            "VOC and YOLO, outlines become polygons or run lengths, and an open-vocabulary detector "
            "or SAM takes them from there. Read back, {exact} of {formats} ways give all {masks} "
            "masks exactly; filled boxes alone keep a mean IoU of {box_iou}. The ground truth "
            "against itself scores an AP of {self_ap}, and outlines simplified by two pixels would "
            "cap a perfect model at {capped_ap}. All labelled defects are test images: {train} are "
            "taken to train and {val} to validate, no picture in both, and no figure from them may "
            "stand beside those of the one-class detectors.{trained}"
        ),
    },
    headers={
        "data": ("class", "all"),
        "attempts": ("attempt", *QUALITY),
        "tail": (
            "remedy",
            "balanced accuracy",
            "gain over plain",
            "95 % interval",
            "calibration error",
        ),
        "strategies": ("method", *QUALITY),
        "labels": ("format", "masks", "exact", "mean IoU"),
    },
    captions={
        "data": "One test image of each class; the damage is outlined by its mask.",
        "attempts": "Gain over the baseline on the same test images, intervals corrected.",
        "tail": "What labelled defects bring: good or defect, on the hard nuts of question 3.",
        "strategies": "Quality, with its 95 % interval, against the time for one image.",
        "labels": "Boxes around the objects that the two rules leave.",
    },
    phrases={
        "one size": "every image has {width} × {height} pixels, mode {mode}",
        "sizes": "they have {count} different sizes or modes",
        "defects": "{count} {defect}",
        "none better": "No attempt exceeds it",
        "best": "The highest figure is that of {name}, {auroc}. {told}",
        "better": (
            "{name} is better than {reference} by {size} (95 % interval {low} to {high}, {seeds} "
            "seeds, corrected for {comparisons} comparisons)"
        ),
        "worse": (
            "{name} is worse than {reference} by {size} (95 % interval {low} to {high}, {seeds} "
            "seeds, corrected for {comparisons} comparisons)"
        ),
        "as good": (
            "{name} is as good as {reference} within {margin}: {gain} (95 % interval {low} to "
            "{high}, {seeds} seeds, corrected for {comparisons} comparisons)"
        ),
        "not shown": (
            "{name} is not shown to differ from {reference}: {gain} (95 % interval {low} to {high}, "
            "{seeds} seeds, corrected for {comparisons} comparisons)"
        ),
        "no remedy better": "No other remedy has a higher mean",
        "a remedy better": "{Name} has the highest mean, {accuracy}: {shown}",
        "gain shown": "a gain that is shown",
        "gain not shown": "a gain is not shown",
        "no labels": "a one-class detector needs none",
        "rises": "rises",
        "falls": "falls",
        "range": "{low} to {high}",
        "boxes": " A detector with {labels} other labelled nuts of each defect has an AP50 of {value}.",
        "masks": " A segmenter with {labels} of each has a mean IoU of {value}.",
        "fault": "{count} records are {what}",
        "caveat": "Caveat: {faults}. Their numbers may be out of date.",
    },
    reasons={
        "Baseline autoencoder": "what is hard to reconstruct is, here, what is damaged",
        "Pretrained encoder": "the encoder brings what few pictures cannot teach",
        "Feature reconstruction": "it measures where a frozen network sees a difference",
        "CutPaste": "the whole part looks wrong when a piece of it is",
        "CutPaste, patch-wise": "it looks closely, and trains on damage",
        "SSIM, multi-scale, skips": "it learns to repair, and damage is what it repairs",
    },
    sources_title="Where the numbers come from",
    sources=(
        "{records} records in {folders}; images {images}. Question 1 is counted from the files, "
        "question 5 from the masks.",
        "Revision of the code: {codes}.",
        "Made with {versions} on {machines}.",
    ),
    axes={
        "gain": "gain in image AUROC over the baseline,\nwith 95 % interval",
        "shots": "labelled images of each defect",
        "auroc": "image AUROC",
        "alone": "milliseconds for one image alone",
    },
    names={},
    comma=", ",
    last=" and ",
    semicolon="; ",
)
