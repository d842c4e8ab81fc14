"""A module for each file format of annotations."""

from helpers.annotations.formats.coco import read_coco, to_coco, write_coco
from helpers.annotations.formats.cvat import read_cvat
from helpers.annotations.formats.label_studio import read_label_studio
from helpers.annotations.formats.png import read_numbers
from helpers.annotations.formats.voc import voc_box, write_voc
from helpers.annotations.formats.yolo import read_yolo, write_yolo, yolo_line
