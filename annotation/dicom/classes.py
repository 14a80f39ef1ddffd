"""Which kinds of DICOM object are images to read, and which encodings are taken in."""

from __future__ import annotations

from typing import Final

from pydicom import uid

IMAGES: Final[frozenset[str]] = frozenset(
    {
        uid.ComputedRadiographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
        uid.DigitalXRayImageStorageForProcessing,
        uid.DigitalMammographyXRayImageStorageForPresentation,
        uid.DigitalMammographyXRayImageStorageForProcessing,
        uid.DigitalIntraOralXRayImageStorageForPresentation,
        uid.DigitalIntraOralXRayImageStorageForProcessing,
        uid.CTImageStorage,
        uid.EnhancedCTImageStorage,
        uid.LegacyConvertedEnhancedCTImageStorage,
        uid.UltrasoundMultiFrameImageStorage,
        uid.UltrasoundImageStorage,
        "1.2.840.10008.5.1.4.1.1.3",
        "1.2.840.10008.5.1.4.1.1.6",
        uid.EnhancedUSVolumeStorage,
        uid.MRImageStorage,
        uid.EnhancedMRImageStorage,
        uid.EnhancedMRColorImageStorage,
        uid.LegacyConvertedEnhancedMRImageStorage,
        uid.SecondaryCaptureImageStorage,
        uid.MultiFrameSingleBitSecondaryCaptureImageStorage,
        uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
        uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
        uid.XRayAngiographicImageStorage,
        uid.EnhancedXAImageStorage,
        uid.XRayRadiofluoroscopicImageStorage,
        uid.EnhancedXRFImageStorage,
        uid.XRay3DAngiographicImageStorage,
        uid.XRay3DCraniofacialImageStorage,
        uid.BreastTomosynthesisImageStorage,
        uid.BreastProjectionXRayImageStorageForPresentation,
        uid.BreastProjectionXRayImageStorageForProcessing,
        uid.NuclearMedicineImageStorage,
        "1.2.840.10008.5.1.4.1.1.5",
        uid.PositronEmissionTomographyImageStorage,
        uid.EnhancedPETImageStorage,
        uid.LegacyConvertedEnhancedPETImageStorage,
        uid.VLEndoscopicImageStorage,
        uid.VLMicroscopicImageStorage,
        uid.VLSlideCoordinatesMicroscopicImageStorage,
        uid.VLPhotographicImageStorage,
        uid.VLWholeSlideMicroscopyImageStorage,
        uid.OphthalmicPhotography8BitImageStorage,
        uid.OphthalmicPhotography16BitImageStorage,
        uid.OphthalmicTomographyImageStorage,
        uid.WideFieldOphthalmicPhotographyStereographicProjectionImageStorage,
        uid.WideFieldOphthalmicPhotography3DCoordinatesImageStorage,
        uid.OphthalmicOpticalCoherenceTomographyEnFaceImageStorage,
        uid.IntravascularOpticalCoherenceTomographyImageStorageForPresentation,
        uid.IntravascularOpticalCoherenceTomographyImageStorageForProcessing,
        uid.DermoscopicPhotographyImageStorage,
        uid.RTImageStorage,
    }
)

NATIVE_LITTLE: Final = frozenset({uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian})
OTHER_NATIVE: Final = frozenset({uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian})

# The decoder that pydicom is told to use, so that the same bytes give the same pixels everywhere.
DECODERS: Final[dict[str, str]] = {
    uid.RLELossless: "pylibjpeg",
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGExtended12Bit: "pillow",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
}
TRANSFER_SYNTAXES: Final = NATIVE_LITTLE | OTHER_NATIVE | DECODERS.keys()

JPEG_2000: Final = frozenset({uid.JPEG2000Lossless, uid.JPEG2000})
JPEG_LS: Final = frozenset({uid.JPEGLSLossless, uid.JPEGLSNearLossless})
# Encodings whose single-channel frames every decoder at hand agrees on, with the header in order.
SHOWN_AS_STORED: Final = JPEG_2000 | JPEG_LS | {uid.RLELossless, uid.JPEGLosslessSV1}


def name(uid_text: str) -> str:
    """The standard's name of a UID, or the UID itself; what every object is, “Storage”, left out."""
    return uid.UID(uid_text).name.removesuffix(" Storage")
