"""DICOM files made for tests: pixels with any header."""

import io

import numpy as np

NAME, PATIENT, BIRTH = "Zebedee^Quillfeather", "MRN-7734-Q", "19531117"


def dicom(
    values,
    *,
    bits=None,
    photometric="MONOCHROME2",
    patient=PATIENT,
    preamble=True,
    syntax=None,
    stream=None,
    **elements,
):
    """Return a DICOM file.

    Parameters
    ----------
    values : ndarray of (u)int8, (u)int16, (u)int32, float32 or float64, (h, w), (h, w, 3) or (frames, h, w)
    bits : int, optional
        BitsStored. By default that of the type.
    photometric : str
    patient : str
        PatientID. Name and birth date are always those of this module.
    preamble : bool
        Whether the file begins as the standard says, or with its first element.
    syntax : str, optional
        UID of the transfer syntax. By default that of uncompressed files, explicit and with the low byte first.
    stream : bytes, optional
        The compressed picture that is stored in place of the values, whose shape and type go into the header.
    **elements
        Further elements by keyword; one that is None is left out. NumberOfFrames says that the first axis is that of
        frames.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    values = np.asarray(values)
    syntax = UID(syntax or ExplicitVRLittleEndian)
    found = Dataset()
    found.SOPClassUID, found.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    found.StudyInstanceUID = elements.pop("StudyInstanceUID", generate_uid())
    found.PatientName, found.PatientID, found.PatientBirthDate = NAME, patient, BIRTH
    found.Rows, found.Columns = values.shape[1:3] if "NumberOfFrames" in elements else values.shape[:2]
    found.SamplesPerPixel = 3 if values.ndim == 3 and "NumberOfFrames" not in elements else 1
    if found.SamplesPerPixel == 3:
        found.PlanarConfiguration, photometric = 0, "RGB" if photometric.startswith("MONO") else photometric
    found.PhotometricInterpretation = photometric
    found.BitsAllocated = 8 * values.dtype.itemsize
    raw = values.astype(values.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")).tobytes()
    if values.dtype.kind == "f":
        setattr(found, "FloatPixelData" if found.BitsAllocated == 32 else "DoubleFloatPixelData", raw)
    else:
        found.BitsStored = bits or found.BitsAllocated
        found.HighBit = found.BitsStored - 1
        found.PixelRepresentation = int(values.dtype.kind == "i")
        found.PixelData = encapsulate([stream]) if stream else raw + bytes(len(raw) % 2)
        found["PixelData"].VR = "OW" if found.BitsAllocated > 8 and not stream else "OB"
    for keyword, value in elements.items():
        if value is None:
            delattr(found, keyword)
        else:
            setattr(found, keyword, value)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = found.SOPClassUID, found.SOPInstanceUID
    found.file_meta = meta
    buffer = io.BytesIO()
    if preamble:
        found.save_as(buffer, enforce_file_format=True)
    else:
        del found.file_meta
        found.save_as(buffer, implicit_vr=False, little_endian=True)
    return buffer.getvalue()


def whole(data, **reading):
    """Return the pixels of a file as they are shown, in 8 bits."""
    from hybrid.extractors.images import Reading
    from hybrid.extractors.images.decoding import decode_whole

    return np.asarray(decode_whole(data, "x", Reading.of(**reading)).image).astype(int)


def table(entries, first=0, bits=16, *, kind="LUT", signed=False, as_bytes=False, order="<"):
    """Return the elements of a lookup table: LUTDescriptor and LUTData, or those of one channel of a palette."""
    from pydicom.dataset import Dataset

    made = Dataset()
    raw = np.asarray(entries).astype(np.uint8 if as_bytes else f"{order}u2").tobytes()
    if as_bytes and order == ">":  # bytes are stored in words
        raw = np.frombuffer(raw, "<u2").astype(">u2").tobytes()
    setattr(made, f"{kind}Descriptor", [len(entries) % 2**16, first, bits])
    setattr(made, f"{kind}Data", raw + bytes(len(raw) % 2))
    made[f"{kind}Descriptor"].VR, made[f"{kind}Data"].VR = "SS" if signed else "US", "OW"
    return made


def palette(red, green, blue, first=0, bits=16, **options):
    """Return the elements of a palette by their keywords."""
    found = {}
    for name, entries in (("Red", red), ("Green", green), ("Blue", blue)):
        made = table(entries, first, bits, kind=f"{name}PaletteColorLookupTable", **options)
        found |= {element.keyword: element.value for element in made}
    return found
