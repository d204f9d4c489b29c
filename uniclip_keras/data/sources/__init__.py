"""Where image-text pairs and labeled images come from.

Every source numbers its samples and has the methods that the pipeline and the
evaluation use:

- `prepare(folder, share)`: finds out where samples are, once.
- `count()`: the number of samples in one pass, including bad ones.
- `chunks()`: the borders of runs of samples that are read together.
- `read(numbers)`: the samples with these numbers, a list of dicts, see
  `Source`.
- `samples(bad_samples, images)`: one pass over the good ones, in order.
- `lost(number)`: the samples lost where a file breaks behind this one.
- `class_names`: the class names of a labeled source; None for captions.

Samples with equal ids are positives of each other, wherever they are in a
mixture and on any replica. The id of a text is a 63-bit hash, so a collision
with another text or with a numeric id is a one-in-billions event.
"""

from uniclip_keras.data.sources.folders import Folders
from uniclip_keras.data.sources.mixture import Mixture
from uniclip_keras.data.sources.mixture import mix
from uniclip_keras.data.sources.source import Source
from uniclip_keras.data.sources.table import Table
from uniclip_keras.data.sources.tfds import TFDS
from uniclip_keras.data.sources.tfrecord import TFRecords
from uniclip_keras.data.sources.webdataset import WebDataset
