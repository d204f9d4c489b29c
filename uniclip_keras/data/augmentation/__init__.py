"""Random views of an image, each with the vector that describes it."""

from uniclip_keras.data.augmentation.color import apply_color
from uniclip_keras.data.augmentation.crop import apply_crop
from uniclip_keras.data.augmentation.crop import reduction
from uniclip_keras.data.augmentation.fitting import FITS
from uniclip_keras.data.augmentation.fitting import check_fit
from uniclip_keras.data.augmentation.fitting import evaluation_view
from uniclip_keras.data.augmentation.recipe import IDENTITY_VIEW
from uniclip_keras.data.augmentation.recipe import PRESETS
from uniclip_keras.data.augmentation.recipe import SLIP_RECIPE
from uniclip_keras.data.augmentation.recipe import STRONG
from uniclip_keras.data.augmentation.recipe import WEAK
from uniclip_keras.data.augmentation.recipe import ViewRecipe
from uniclip_keras.data.augmentation.recipe import recipe_from_config
from uniclip_keras.data.augmentation.sampling import sample_many_vectors
from uniclip_keras.data.augmentation.sampling import sample_vectors
from uniclip_keras.data.augmentation.vector import IDENTITY
from uniclip_keras.data.augmentation.vector import LAYOUT
from uniclip_keras.data.augmentation.vector import VECTOR_SIZE
from uniclip_keras.data.augmentation.vector import describe
from uniclip_keras.data.augmentation.views import DTYPES
from uniclip_keras.data.augmentation.views import cut_small_images
from uniclip_keras.data.augmentation.views import cut_views
from uniclip_keras.data.augmentation.views import finish_views
from uniclip_keras.data.augmentation.views import random_views
from uniclip_keras.data.augmentation.views import replay
