"""Image and text encoders, and `UniCLIP`, the model that trains them."""

from uniclip_keras.models.backbones import image_backbone
from uniclip_keras.models.clip import clip_image_encoder
from uniclip_keras.models.clip import from_clip
from uniclip_keras.models.clip import save_clip
from uniclip_keras.models.image_encoders import clip_vit
from uniclip_keras.models.image_encoders import conv_stem_vit
from uniclip_keras.models.image_encoders import from_backbone
from uniclip_keras.models.image_encoders import siglip_vit
from uniclip_keras.models.image_encoders import vit
from uniclip_keras.models.text_backbones import text_backbone
from uniclip_keras.models.text_encoders import clip_text
from uniclip_keras.models.text_encoders import siglip_text
from uniclip_keras.models.uniclip import UniCLIP
