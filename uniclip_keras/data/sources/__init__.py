"""Where image-text pairs and labelled images come from.

Every source has the same few methods, which is all that the pipeline and the
evaluation use:

- `dataset(seed, shuffle, bad_samples, worker, workers)`: one pass as a
  `tf.data.Dataset` of `{"key": string, "image": encoded bytes, "text":
  captions or a class's names joined by a newline, "is_name": bool, "id":
  int64, "label": string}`;
- `samples(bad_samples)`: one pass as a plain Python iterator;
- `count()`: samples in one pass, bad ones included;
- `class_names`: of a labelled source, None for one of captions.

Equal ids are positives, wherever in a mixture or on whatever replica the
samples are. The id of a text is a hash of 63 bits, which meets no other one,
nor a number given as an id, but by a chance of billions to one.
"""

from uniclip_keras.data.sources.folders import Folders
from uniclip_keras.data.sources.mixture import Mixture
from uniclip_keras.data.sources.mixture import mix
from uniclip_keras.data.sources.source import Source
from uniclip_keras.data.sources.table import Table
from uniclip_keras.data.sources.tfds import TFDS
from uniclip_keras.data.sources.tfrecord import TFRecords
from uniclip_keras.data.sources.webdataset import WebDataset

__all__ = [
    "Folders",
    "Mixture",
    "Source",
    "TFDS",
    "TFRecords",
    "Table",
    "WebDataset",
    "mix",
]
