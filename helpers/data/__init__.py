"""From files to a category of images; chapters import what they use from here."""

from helpers.data.category import Category, split_good
from helpers.data.load import generate_category, load_category
from helpers.data.photos import Photos, load_photos
