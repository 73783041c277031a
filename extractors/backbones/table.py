"""The table of backbones by name, available without importing Keras.

Each backbone is one row. To add a custom network, add a row here and its description in
`hybrid.extractors.backbones.custom`.
"""

from dataclasses import dataclass
from pathlib import Path

from hybrid.errors import InputError, unknown_name
from hybrid.files import expanded


@dataclass(frozen=True)
class Backbone:
    """One row of the table of backbones.

    Attributes
    ----------
    name : str
        The name that users write.
    kind : {"custom", "pretrained"}
        A network of this project, or one of `keras.applications`.
    constructor : str
        The function in `keras.applications` that builds the network; empty for a custom network.
    module : str
        The module in `keras.applications` with the network's ``preprocess_input``; empty for a custom network.
    size : int
        Default height and width of the input, in pixels.
    width : int
        Length of the default embedding at that size.
    parameters : int
        Number of weights without the classification layer, at that size, for RGB input.
    """

    name: str
    kind: str
    constructor: str
    module: str
    size: int
    width: int
    parameters: int


@dataclass(frozen=True)
class BackboneSpec:
    """A parsed backbone, such as ``"mobilenet:alpha=0.25"`` or ``"path/to/network.keras"``.

    Attributes
    ----------
    row : Backbone or None
        The row of the table; None for a file.
    options : dict
        Options of the network, which are keyword arguments of its constructor.
    path : Path or None
        The user's own ``.keras`` file; None for a backbone of the table.
    """

    row: Backbone | None
    options: dict[str, int | float | bool | str]
    path: Path | None = None

    @property
    def name(self) -> str:
        """The backbone as users write it."""
        if self.row is None:
            return str(self.path)
        options = ",".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        return self.row.name + (f":{options}" if options else "")


# name, constructor, module, input size, width, parameters without the classification layers
_PRETRAINED = (
    ("convnext_base", "ConvNeXtBase", "convnext", 224, 1024, 87_566_464),
    ("convnext_large", "ConvNeXtLarge", "convnext", 224, 1536, 196_230_336),
    ("convnext_small", "ConvNeXtSmall", "convnext", 224, 768, 49_454_688),
    ("convnext_tiny", "ConvNeXtTiny", "convnext", 224, 768, 27_820_128),
    ("convnext_xlarge", "ConvNeXtXLarge", "convnext", 224, 2048, 348_147_968),
    ("densenet121", "DenseNet121", "densenet", 224, 1024, 7_037_504),
    ("densenet169", "DenseNet169", "densenet", 224, 1664, 12_642_880),
    ("densenet201", "DenseNet201", "densenet", 224, 1920, 18_321_984),
    ("efficientnet_b0", "EfficientNetB0", "efficientnet", 224, 1280, 4_049_571),
    ("efficientnet_b1", "EfficientNetB1", "efficientnet", 240, 1280, 6_575_239),
    ("efficientnet_b2", "EfficientNetB2", "efficientnet", 260, 1408, 7_768_569),
    ("efficientnet_b3", "EfficientNetB3", "efficientnet", 300, 1536, 10_783_535),
    ("efficientnet_b4", "EfficientNetB4", "efficientnet", 380, 1792, 17_673_823),
    ("efficientnet_b5", "EfficientNetB5", "efficientnet", 456, 2048, 28_513_527),
    ("efficientnet_b6", "EfficientNetB6", "efficientnet", 528, 2304, 40_960_143),
    ("efficientnet_b7", "EfficientNetB7", "efficientnet", 600, 2560, 64_097_687),
    ("efficientnet_v2_b0", "EfficientNetV2B0", "efficientnet_v2", 224, 1280, 5_919_312),
    ("efficientnet_v2_b1", "EfficientNetV2B1", "efficientnet_v2", 240, 1280, 6_931_124),
    ("efficientnet_v2_b2", "EfficientNetV2B2", "efficientnet_v2", 260, 1408, 8_769_374),
    ("efficientnet_v2_b3", "EfficientNetV2B3", "efficientnet_v2", 300, 1536, 12_930_622),
    ("efficientnet_v2_l", "EfficientNetV2L", "efficientnet_v2", 480, 1280, 117_746_848),
    ("efficientnet_v2_m", "EfficientNetV2M", "efficientnet_v2", 480, 1280, 53_150_388),
    ("efficientnet_v2_s", "EfficientNetV2S", "efficientnet_v2", 384, 1280, 20_331_360),
    ("inception_resnet_v2", "InceptionResNetV2", "inception_resnet_v2", 299, 1536, 54_336_736),
    ("inception_v3", "InceptionV3", "inception_v3", 299, 2048, 21_802_784),
    ("mobilenet", "MobileNet", "mobilenet", 224, 1024, 3_228_864),
    ("mobilenet_v2", "MobileNetV2", "mobilenet_v2", 224, 1280, 2_257_984),
    ("mobilenet_v3_large", "MobileNetV3Large", "mobilenet_v3", 224, 960, 2_996_352),
    ("mobilenet_v3_small", "MobileNetV3Small", "mobilenet_v3", 224, 576, 939_120),
    ("nasnet_large", "NASNetLarge", "nasnet", 331, 4032, 84_916_818),
    ("nasnet_mobile", "NASNetMobile", "nasnet", 224, 1056, 4_269_716),
    ("resnet101", "ResNet101", "resnet", 224, 2048, 42_658_176),
    ("resnet101_v2", "ResNet101V2", "resnet_v2", 224, 2048, 42_626_560),
    ("resnet152", "ResNet152", "resnet", 224, 2048, 58_370_944),
    ("resnet152_v2", "ResNet152V2", "resnet_v2", 224, 2048, 58_331_648),
    ("resnet50", "ResNet50", "resnet", 224, 2048, 23_587_712),
    ("resnet50_v2", "ResNet50V2", "resnet_v2", 224, 2048, 23_564_800),
    ("vgg16", "VGG16", "vgg16", 224, 512, 14_714_688),
    ("vgg19", "VGG19", "vgg19", 224, 512, 20_024_384),
    ("xception", "Xception", "xception", 299, 2048, 20_861_480),
)
# name, input size, width, parameters without the classification layer
_CUSTOM = (
    ("resnet_small", 32, 128, 307_936),
    ("convnet_small", 32, 1_152, 10_144),
    ("dense_128_64", 28, 64, 309_440),
    ("convnet_bn", 32, 128, 314_816),
    ("convnet_bn_deep", 28, 256, 127_168),
    ("convnet_wide", 64, 256, 26_221_824),
    ("convnet_strided", 64, 100, 82_250),
    ("convnet_growing", 64, 128, 4_215_853),
    ("convnet_5x5", 64, 1_024, 120_256),
    ("convnet_double", 64, 512, 7_694_112),
    ("lstm_rows", 64, 64, 820_288),
    ("dense_256_256", 64, 256, 3_211_776),
    ("dense_256_100", 64, 100, 3_172_084),
    ("convnet_six_blocks", 150, 64, 715_072),
    ("dense_128", 224, 128, 19_267_712),
    ("dense_64_64_64", 224, 64, 9_642_176),
    ("convnet_unpooled", 224, 1_520_768, 95_840),
    ("convnet_dropout", 224, 64, 23_981_184),
    ("convnet_three_pairs", 64, 128, 1_335_712),
    ("convnet_four_pairs", 64, 128, 2_253_984),
)

BACKBONES: dict[str, Backbone] = {
    name: Backbone(name, "custom", "", "", size, width, parameters) for name, size, width, parameters in _CUSTOM
} | {
    name: Backbone(name, "pretrained", constructor, module, size, width, parameters)
    for name, constructor, module, size, width, parameters in _PRETRAINED
}


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


_ALIASES = {_key(name): name for name in BACKBONES}


def find_backbone(name: str) -> Backbone:
    """Return the row of a backbone by its name. Case, underscores and hyphens do not matter.

    Raises
    ------
    InputError
        If there is no such backbone. The message suggests similar names.

    Examples
    --------
    >>> find_backbone("MobileNetV2").name
    'mobilenet_v2'
    """
    known_name = _ALIASES.get(_key(name))
    if known_name is None:
        raise unknown_name(
            "backbone", name, BACKBONES, "`hybrid backbones` lists them. A .keras file can be given, too."
        )
    return BACKBONES[known_name]


def parse_backbone(text: str | Path) -> BackboneSpec:
    """Parse a backbone as users write it: a name, a name with options, or a ``.keras`` file.

    Parameters
    ----------
    text : str or Path
        For example ``"resnet50"``, ``"mobilenet:alpha=0.25"`` or ``"runs/network.keras"``.

    Returns
    -------
    BackboneSpec

    Raises
    ------
    InputError
        If the name is unknown, the file does not exist, an option is not ``key=value``, or a Keras model was given
        instead of its file.

    Examples
    --------
    >>> parse_backbone("mobilenet:alpha=0.25").options
    {'alpha': 0.25}
    """
    if not isinstance(text, (str, Path)):
        raise not_a_backbone("backbone", text)
    path = expanded(text)
    name, _, options = str(text).partition(":")
    if path.suffix.lower() in (".keras", ".h5", ".hdf5") or (_key(name) not in _ALIASES and _exists(path)):
        return BackboneSpec(None, {}, _network_file(path))
    return BackboneSpec(find_backbone(name), dict(_option(str(text), item) for item in options.split(",") if item))


def not_a_backbone(what: str, given: object) -> InputError:
    """Return the error for an object in the place of a backbone, such as a Keras model instead of its file."""
    modules = [kind.__module__.partition(".")[0] for kind in type(given).__mro__ if kind.__name__ == "Model"]
    if "keras" in modules:
        return InputError(
            f"The {what} is a Keras model object; save it with model.save('network.keras') and give the path of "
            "the file."
        )
    return InputError(
        f"The {what} is an object of type {type(given).__name__}; expected the name of a backbone, such as "
        "'mobilenet_v2', or the path of a .keras file."
    )


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # for example because the name is too long for a file
        return False


def _network_file(path: Path) -> Path:
    if not _exists(path):
        raise InputError(f"There is no network file {str(path)!r:.300}; give the path of a .keras file.")
    if path.suffix.lower() != ".keras":
        raise InputError(
            f"{str(path)!r} is not a .keras file. Only Keras 3's own format is loaded, since it can be checked; "
            "load the model in Keras and save it with model.save('network.keras')."
        )
    return path.resolve()


def _option(text: str, item: str) -> tuple[str, int | float | bool | str]:
    key, equals, value = item.partition("=")
    if not equals or not key.strip().isidentifier() or not value.strip():
        raise InputError(
            f"Backbone {text!r}: {item!r} is not an option; write name:key=value,key=value, as in mobilenet:alpha=0.25."
        )
    return key.strip(), _value(value.strip())


def _value(text: str) -> int | float | bool | str:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
