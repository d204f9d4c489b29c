"""Where image-text pairs and labeled images come from.

Every source has the methods that the pipeline and the evaluation use:

- `dataset(seed, shuffle, bad_samples, shard_index, num_shards)`: one pass as a
  `tf.data.Dataset` of `{"key": string, "image": encoded bytes, "text":
  captions or class names joined by newlines, "is_name": bool, "id": int64,
  "label": string}`.
- `samples(bad_samples)`: one pass as a Python iterator.
- `count()`: the number of samples in one pass, including bad ones.
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
