"""DICOM files made for tests: grey values with any header."""

import io

import numpy as np

NAME, PATIENT, BIRTH = "Zebedee^Quillfeather", "MRN-7734-Q", "19531117"


def dicom(values, *, bits=None, photometric="MONOCHROME2", patient=PATIENT, preamble=True, **elements):
    """Return a DICOM file.

    Parameters
    ----------
    values : ndarray of (u)int8, (u)int16 or (u)int32, (h, w), (h, w, 3) or (frames, h, w)
    bits : int, optional
        BitsStored. By default that of the type.
    photometric : str
    patient : str
        PatientID. Name and birth date are always those of this module.
    preamble : bool
        Whether the file begins as the standard says, or with its first element.
    **elements
        Further elements by keyword. NumberOfFrames says that the first axis is that of frames.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    values = np.asarray(values)
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
    found.BitsStored = bits or found.BitsAllocated
    found.HighBit = found.BitsStored - 1
    found.PixelRepresentation = int(values.dtype.kind == "i")
    raw = values.astype(values.dtype.newbyteorder("<")).tobytes()
    found.PixelData = raw + bytes(len(raw) % 2)
    found["PixelData"].VR = "OW" if found.BitsAllocated > 8 else "OB"
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = elements.get("syntax", ExplicitVRLittleEndian)
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = found.SOPClassUID, found.SOPInstanceUID
    found.file_meta = meta
    buffer = io.BytesIO()
    if preamble:
        found.save_as(buffer, enforce_file_format=True)
    else:
        del found.file_meta
        found.save_as(buffer, implicit_vr=False, little_endian=True)
    return buffer.getvalue()
