"""CLIP's weights from and to the files of Hugging Face and open_clip."""

from uniclip_keras.models.clip.loading import clip_image_encoder
from uniclip_keras.models.clip.loading import from_clip
from uniclip_keras.models.clip.saving import save_clip
