"""What is on the screen, grey for grey, of images of many kinds; and what is written beside them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from images import slice_, write
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserType, expect
from pydicom import Dataset
from pydicom.sequence import Sequence
from reading_room import Place, Room, prepare

from deploy.stack import Stack

SLUG = "shown"
ROWS, COLUMNS = 48, 64
MR, CR, US, SC = (f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("4", "1", "6.1", "7"))
ENHANCED_MR, MANY_BITS, PET = (f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("4.1", "7.1", "128"))
Grey = NDArray[np.float64]
PLACES = [(12, 14), (50, 12), (32, 24), (14, 34), (48, 36)]
"""Column and row, away from all that is written over the image."""

IMPORT = """
import json
from pathlib import Path
from annotation import imports
from annotation.models import Project, Series, User

project = Project.objects.get(slug={slug!r})
user = User.objects.get(username={slug!r} + "-1")
batch = imports.import_paths(project, [Path({folder!r})], user)
problems = list(batch.items.exclude(reason="").values_list("name", "reason"))
series = {{one.series_uid: one.pk for one in Series.objects.all()}}
print(json.dumps({{"problems": problems, "series": series}}))
"""


def ramp(most: int, least: int = 0) -> NDArray[Any]:
    """Brighter to the right and downwards, no two corners alike."""
    rows, columns = np.indices((ROWS, COLUMNS))
    share = (2 * columns / (COLUMNS - 1) + rows / (ROWS - 1)) / 3
    return np.rint(least + share * (most - least))


def windowed(values: Grey, center: float, width: float) -> Grey:
    lower = center - 0.5 - (width - 1) / 2
    return np.clip((values - lower) / (width - 1) * 255, 0, 255)


def grey(values: NDArray[Any], dtype: str, **attributes: Any) -> Dataset:
    return slice_(values.astype(dtype), RescaleSlope=1, RescaleIntercept=0, **attributes)


def coloured() -> NDArray[np.uint8]:
    up = ramp(240, 10)
    return np.stack([up, 255 - up, up / 2], axis=-1).astype(np.uint8)


def rgb(pixels: NDArray[Any], photometric: str = "RGB", planar: int = 0) -> Dataset:
    made = slice_(pixels, Modality="US", SOPClassUID=US, SamplesPerPixel=3)
    made.PhotometricInterpretation, made.PlanarConfiguration = photometric, planar
    made.PixelData = (pixels.transpose(2, 0, 1) if planar else pixels).tobytes()
    return made


def ybr_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    red, green, blue = (pixels[..., i].astype(float) for i in range(3))
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    parts = [y, 128 + (blue - y) * 0.564, 128 + (red - y) * 0.713]
    return np.clip(np.rint(np.stack(parts, -1)), 0, 255).astype(np.uint8)


def palette() -> Dataset:
    made = slice_(ramp(255).astype(np.uint8), Modality="US", SOPClassUID=US)
    made.PhotometricInterpretation = "PALETTE COLOR"
    steps = np.arange(256)
    for name, table in (("Red", steps), ("Green", 255 - steps), ("Blue", steps // 2)):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        data = (table * 257).astype("<u2").tobytes()
        setattr(made, f"{name}PaletteColorLookupTableData", data)
    return made


def item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def frame_by_frame() -> Dataset:
    """Three frames, each with a slope, intercept and place of its own."""
    stored = ramp(1000)
    made = grey(stored, "int16", Modality="MR", SOPClassUID=ENHANCED_MR)
    del made.RescaleSlope, made.RescaleIntercept
    made.NumberOfFrames = 3
    made.PixelData = stored.astype("<i2").tobytes() * 3
    window = Sequence([item(WindowCenter=1500, WindowWidth=3000)])
    made.SharedFunctionalGroupsSequence = Sequence([item(FrameVOILUTSequence=window)])
    made.PerFrameFunctionalGroupsSequence = Sequence(
        [
            item(
                PlanePositionSequence=Sequence([item(ImagePositionPatient=[0, 0, 4 * n])]),
                PlaneOrientationSequence=Sequence(
                    [item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])]
                ),
                PixelMeasuresSequence=Sequence([item(PixelSpacing=[1, 1], SliceThickness=4)]),
                PixelValueTransformationSequence=Sequence(
                    [item(RescaleSlope=n + 1, RescaleIntercept=100 * n, RescaleType="US")]
                ),
            )
            for n in range(3)
        ]
    )
    return made


def bits() -> Dataset:
    """One bit for each pixel: the right half is set."""
    half = np.zeros((ROWS, COLUMNS), np.uint8)
    half[:, COLUMNS // 2 :] = 1
    made = slice_(half, Modality="OT", SOPClassUID=MANY_BITS, NumberOfFrames=1)
    made.BitsAllocated = made.BitsStored = 1
    made.HighBit = 0
    made.PixelData = np.packbits(half, bitorder="little").tobytes()
    return made


def cases() -> dict[str, tuple[Dataset, list[Any]]]:
    """By name: the object, and what each of its frames must look like: grey, or red, green and blue."""
    ct = ramp(1500, -900)
    wide = {"WindowCenter": 2000, "WindowWidth": 4001}
    colour = coloured().astype(float)
    steps = ramp(255)
    return {
        "hounsfield": (
            slice_((ct + 1024).astype(np.uint16), WindowCenter=40, WindowWidth=400),
            [windowed(ct, 40, 400)],
        ),
        "signed": (
            grey(ct, "int16", WindowCenter=300, WindowWidth=2001), [windowed(ct, 300, 2001)],
        ),
        "slope": (
            slice_(
                ramp(1000).astype(np.int16), Modality="MR", SOPClassUID=MR, RescaleSlope="0.25",
                RescaleIntercept="-10.5", WindowCenter=100, WindowWidth=200,
            ),
            [windowed(ramp(1000) * 0.25 - 10.5, 100, 200)],
        ),
        "twelve bits": (
            grey(
                ramp(4000), "uint16", Modality="CR", SOPClassUID=CR, BitsStored=12, HighBit=11,
                **wide,
            ),
            [windowed(ramp(4000), 2000, 4001)],
        ),
        "monochrome 1": (
            grey(
                ramp(4000), "uint16", Modality="CR", SOPClassUID=CR, BitsStored=12, HighBit=11,
                PhotometricInterpretation="MONOCHROME1", **wide,
            ),
            [255 - windowed(ramp(4000), 2000, 4001)],
        ),
        "eight bits": (
            grey(
                ramp(255), "uint8", Modality="OT", SOPClassUID=SC, WindowCenter=128,
                WindowWidth=256,
            ),
            [windowed(ramp(255), 128, 256)],
        ),
        "thirty-two bits": (
            grey(ramp(4000), "uint32", Modality="OT", SOPClassUID=SC, **wide),
            [windowed(ramp(4000), 2000, 4001)],
        ),
        "rgb": (rgb(coloured()), [colour]),
        "rgb in planes": (rgb(coloured(), planar=1), [colour]),
        "ybr": (rgb(ybr_of(coloured()), "YBR_FULL"), [colour]),
        "palette": (palette(), [np.stack([steps, 255 - steps, steps // 2], -1)]),
        "frame by frame": (
            frame_by_frame(),
            [windowed(ramp(1000) * (n + 1) + 100 * n, 1500, 3000) for n in range(3)],
        ),
        "single bits": (bits(), []),
    }  # fmt: skip


@pytest.fixture(scope="module")
def place(live_stack: Stack, in_live_stack: Callable[[str], str]) -> Place:
    return prepare(live_stack.url, in_live_stack, slug=SLUG, people=2, cases=1)


@pytest.fixture(scope="module")
def series(
    place: Place, in_live_stack: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, int]:
    """The number of each series, by the name of its case."""
    folder = tmp_path_factory.mktemp("shown")
    made = {name: dataset for name, (dataset, _) in cases().items()}
    made |= {"uptake": pet(), "planted": planted(), "unknown": unplaced()}
    write(folder, *made.values())
    done = in_live_stack(IMPORT.format(slug=place.slug, folder=str(folder))).splitlines()[-1]
    answer = json.loads(done)
    assert answer["problems"] == []
    return {name: answer["series"][one.SeriesInstanceUID] for name, one in made.items()}


@pytest.fixture(scope="module")
def room(browser: Browser, place: Place) -> Iterator[Room]:
    context = place.enter(browser, f"{SLUG}-1")
    yield Room(context.new_page(), place).open()
    context.close()


@pytest.fixture(scope="module")
def room_without_webgl(
    browser_type: BrowserType, browser_type_launch_args: dict[str, Any], place: Place
) -> Iterator[Room]:
    arguments = [*browser_type_launch_args["args"], "--disable-3d-apis"]
    browser = browser_type.launch(**{**browser_type_launch_args, "args": arguments})
    yield Room(place.enter(browser, f"{SLUG}-1").new_page(), place).open()
    browser.close()


def show(room: Room, number: int) -> dict[str, Any]:
    display: dict[str, Any] = room.api(f"series/{number}")
    room.page.evaluate(
        "(display) => document.querySelector('[data-viewport]').viewer.open(display, 0)", display
    )
    expect(room.viewport).to_have_attribute("data-phase", "ready")
    expect(room.viewport).to_have_attribute("data-series", str(number))
    return display


def on_screen(room: Room, display: dict[str, Any]) -> NDArray[np.float64]:
    """Red, green and blue at each of the places."""
    room.page.mouse.move(2, 2)
    room.page.wait_for_timeout(250)
    shot = Image.open(io.BytesIO(room.viewport.screenshot())).convert("RGB")
    shown = np.asarray(shot, dtype=np.float64)
    zoom = float(room.shown("zoom"))
    spacing = display["pixel_spacing"] or [1, 1]
    found = []
    for column, row in PLACES:
        x = shown.shape[1] / 2 + (column - (display["columns"] - 1) / 2) * zoom
        y = shown.shape[0] / 2 + (row - (display["rows"] - 1) / 2) * zoom * spacing[0] / spacing[1]
        found.append(shown[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].mean(axis=(0, 1)))
    return np.array(found)


def wanted(frame: NDArray[Any]) -> NDArray[np.float64]:
    three = frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=-1)
    return np.array([three[row, column] for column, row in PLACES], float)


def check(room: Room, number: int, frames: list[Any]) -> None:
    display = show(room, number)
    assert display["frame_count"] == max(len(frames), 1)
    for index, frame in enumerate(frames):
        if index:
            room.page.evaluate(
                "(index) => document.querySelector('[data-viewport]').viewer.goTo(index)", index
            )
        seen = on_screen(room, display)
        assert np.abs(seen - wanted(frame)).max() < 9, (index, seen, wanted(frame))


NAMES = sorted(cases())


@pytest.mark.parametrize("name", NAMES)
def test_the_screen_is_as_bright_as_the_values_and_the_window_say(
    room: Room, series: dict[str, int], name: str
) -> None:
    check(room, series[name], cases()[name][1])


@pytest.mark.parametrize("name", NAMES)
def test_and_without_webgl_too(room_without_webgl: Room, series: dict[str, int], name: str) -> None:
    check(room_without_webgl, series[name], cases()[name][1])


def test_single_bits_are_black_and_white(room: Room, series: dict[str, int]) -> None:
    seen = on_screen(room, show(room, series["single bits"]))
    assert seen[0].max() < 20
    assert seen[1].min() > 235


def pet() -> Dataset:
    made = slice_(
        ramp(30_000).astype(np.uint16), Modality="PT", SOPClassUID=PET, RescaleSlope="0.5",
        RescaleIntercept=0, Units="BQML", DecayCorrection="ADMIN", PatientWeight=70,
        CorrectedImage=["ATTN", "DECY"],
    )  # fmt: skip
    made.RadiopharmaceuticalInformationSequence = Sequence([item(RadionuclideTotalDose=140e6)])
    return made


def planted() -> Dataset:
    made = grey(
        ramp(4000), "uint16", Modality="CR", SOPClassUID=CR, KVP=81, Exposure=3,
        PatientName="Ravenscroft^Ottilie", PatientID="MRN-884422", StudyDate="20190305",
        PatientBirthDate="19610417", InstitutionName="St. Brannock Infirmary",
        SeriesDescription="Ottilie PA", ViewPosition="PA", AccessionNumber="ACC771133",
        LossyImageCompression="01", LossyImageCompressionRatio=15,
    )  # fmt: skip
    del made.PixelSpacing
    made.ImagerPixelSpacing = [0.2, 0.2]
    return made


def unplaced() -> Dataset:
    made = rgb(coloured(), planar=1)
    for keyword in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"):
        delattr(made, keyword)
    return made


def test_nothing_over_the_image_says_whose_it_is(room: Room, series: dict[str, int]) -> None:
    show(room, series["planted"])
    said = room.page.locator(".stage").inner_text() + room.page.locator(".stage").inner_html()
    for word in ("ravenscroft", "ottilie", "884422", "2019", "1961", "brannock", "771133"):
        assert word not in said.casefold()
    expect(room.page.locator(".stage")).to_contain_text("PA  81 kV  3 mAs")
    expect(room.page.locator(".stage")).to_contain_text("mm at the detector")


def test_a_lossy_image_wears_a_badge_that_explains_itself(
    room: Room, series: dict[str, int]
) -> None:
    show(room, series["planted"])
    badge = room.page.locator("[data-fidelity]")
    expect(badge).to_have_attribute("data-fidelity", "lossy")
    badge.get_by_text("Lossy image").click()
    expect(badge).to_contain_text("compressed with loss (15 to 1) before it came here")
    show(room, series["hounsfield"])
    expect(badge).to_have_count(0)
    show(room, series["rgb in planes"])
    expect(badge).to_contain_text("Decoded copy")


def test_letters_scale_and_places_are_not_made_up(room: Room, series: dict[str, int]) -> None:
    show(room, series["unknown"])
    assert room.shown("letters").strip() == ""
    expect(room.page.locator(".scale")).to_have_count(0)
    expect(room.page.locator(".stage")).to_contain_text("No scale: lengths are in pixels")
    room.press("Shift+P")
    box = room.viewport.bounding_box()
    assert box is not None
    room.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reading = room.page.locator("[data-probe]")
    red, green, blue = (int(part) for part in coloured()[24, 32])
    expect(reading).to_contain_text("RGB")
    seen = [int(part) for part in reading.locator("strong").inner_text().split()[:3]]
    assert np.allclose(seen, [red, green, blue], atol=4)
    expect(reading).not_to_contain_text("LPS")
    room.press("Shift+P")
    show(room, series["hounsfield"])
    assert room.shown("letters") == "R L A P"
    expect(room.page.locator(".scale")).to_be_visible()


def test_the_probe_and_the_presets_of_pet_are_in_uptake(room: Room, series: dict[str, int]) -> None:
    show(room, series["uptake"])
    room.press("Shift+P")
    box = room.viewport.bounding_box()
    assert box is not None
    room.page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)
    reading = room.page.locator("[data-probe] strong")
    expect(reading).to_contain_text("SUV")
    factor = 0.5 * 70_000 / 140e6
    assert float(reading.inner_text().split()[0]) == pytest.approx(
        ramp(30_000)[24, 32] * factor, abs=0.1
    )
    room.press("Shift+P")
