"""Masks from prompts: known shapes are found, prompts obeyed to the voxel, and odd input is no accident."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from annotation.prompting import random_walk, region, seeds
from annotation.prompting.asked import Prompt, Region, Spacing, Unanswerable, on_frame
from annotation.prompting.random_walk import Strength
from annotation.prompting.segment import coarseness, segment

EVEN: Spacing = (1.0, 1.0, 1.0)
OBLONG: Spacing = (4.0, 0.5, 0.8)


def dice(one: NDArray[Any], other: NDArray[Any]) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def ball(shape: tuple[int, int, int], spacing: Spacing, radius_mm: float) -> NDArray[np.bool_]:
    """A ball in the middle, round in mm."""
    middle = [(size - 1) / 2 for size in shape]
    axes = np.ogrid[tuple(slice(0, size) for size in shape)]
    away = sum(
        ((axis - at) * step) ** 2 for axis, at, step in zip(axes, middle, spacing, strict=True)
    )
    return np.asarray(away <= radius_mm**2)


def scan(
    truth: NDArray[np.bool_], *, contrast: float = 100, noise: float = 12
) -> NDArray[np.float32]:
    """As a scanner would show it: edges blurred, and noise."""
    soft = ndimage.gaussian_filter(truth.astype(float), (0, 0.7, 0.7)) * contrast
    return np.asarray(soft + np.random.default_rng(3).normal(0, noise, truth.shape), np.float32)


def box(truth: NDArray[np.bool_], frame: int, *, margin: float = 3) -> Prompt:
    rows, columns = np.nonzero(truth[frame])
    first = (columns.min() - margin, rows.min() - margin)
    return on_frame("box", True, frame, (first, (columns.max() + margin, rows.max() + margin)))


def point(column: float, row: float, frame: int = 0, *, positive: bool = True) -> Prompt:
    return on_frame("point", positive, frame, ((column, row),))


def found(
    image: NDArray[np.float32],
    *prompts: Prompt,
    spacing: Spacing = EVEN,
    volume: bool = False,
    prior: NDArray[np.float32] | None = None,
) -> NDArray[np.bool_]:
    """The mask on the whole image."""
    around = region.around(prompts, image.shape, spacing, volume=volume)
    given_prior = None if prior is None else prior[around.slices]
    part = segment(image[around.slices], spacing, prompts, around, image.shape, given_prior)
    whole = np.zeros(image.shape, np.bool_)
    whole[around.slices] = part
    return whole


class TestKnownShapes:
    truth = ball((1, 90, 100), EVEN, 14)
    image = scan(truth)

    def test_a_box_around_a_disc(self) -> None:
        assert dice(found(self.image, box(self.truth, 0)), self.truth) > 0.96

    def test_one_click_into_a_disc(self) -> None:
        assert dice(found(self.image, point(50, 45)), self.truth) > 0.95

    def test_a_dark_disc_is_as_good_as_a_bright_one(self) -> None:
        assert dice(found(-self.image, point(50, 45)), self.truth) > 0.95

    def test_a_scribble_through_two_parts_that_are_apart(self) -> None:
        truth = np.zeros((1, 80, 80), np.bool_)
        truth[0, 30:45, 20:34], truth[0, 30:45, 40:54] = True, True
        line = on_frame("scribble", True, 0, ((24.0, 37.0), (50.0, 37.0)))
        whole = found(scan(truth), line)
        assert dice(whole, truth | whole & (np.arange(80) == 37)[:, None]) > 0.9

    @pytest.mark.parametrize("spacing", [EVEN, OBLONG])
    def test_a_box_on_one_image_finds_a_ball_in_a_volume(self, spacing: Spacing) -> None:
        shape = (31, 64, 64) if spacing == EVEN else (13, 70, 60)
        truth = ball(shape, spacing, 11)
        middle = shape[0] // 2
        whole = found(scan(truth), box(truth, middle), spacing=spacing, volume=True)
        assert dice(whole, truth) > 0.93

    @pytest.mark.parametrize("spacing", [EVEN, OBLONG])
    def test_a_click_finds_a_ball_in_a_volume(self, spacing: Spacing) -> None:
        shape = (31, 64, 64) if spacing == EVEN else (13, 70, 60)
        truth = ball(shape, spacing, 11)
        middle = [size // 2 for size in shape]
        click = point(middle[2], middle[1], middle[0])
        assert dice(found(scan(truth), click, spacing=spacing, volume=True), truth) > 0.93

    def test_a_negative_click_parts_what_grew_together(self) -> None:
        """Two discs of one brightness that overlap: brightness alone cannot tell them apart."""
        one, other = np.roll(self.truth, -10, axis=2), np.roll(self.truth, 10, axis=2)
        image = scan(one | other)
        left = (one | other) & (np.arange(100) < 50)
        first, away = point(40, 45), point(62, 45, positive=False)
        together, apart = found(image, first), found(image, first, away)
        assert dice(together, left) < 0.8
        assert dice(apart, left) > 0.9

    def test_a_structure_at_the_edge_of_the_image_is_not_cut(self) -> None:
        truth = np.roll(self.truth, -45, axis=1)
        truth[:, 60:] = False
        assert dice(found(scan(truth), point(50, 3)), truth) > 0.93

    def test_a_large_region_is_worked_out_coarsely_and_well(self) -> None:
        truth = ball((1, 900, 900), EVEN, 300)
        prompt = box(truth, 0, margin=20)
        around = region.around([prompt], truth.shape, EVEN, volume=False)
        assert max(coarseness(around, EVEN)) > 1
        assert dice(found(scan(truth), prompt), truth) > 0.97

    def test_a_given_prior_is_followed_where_the_image_says_nothing(self) -> None:
        image = np.zeros(self.truth.shape, np.float32)
        prior = np.where(self.truth, 0.9, 0.05).astype(np.float32)
        assert dice(found(image, box(self.truth, 0, margin=8), prior=prior), self.truth) > 0.93

    def test_a_prior_that_missed_the_structure_is_contradicted_by_a_click(self) -> None:
        """As a network would that has never seen such a lesion."""
        prior = np.full(self.truth.shape, 0.02, np.float32)
        assert dice(found(self.image, point(50, 45), prior=prior), self.truth) > 0.9


PIXEL = st.tuples(st.integers(0, 39), st.integers(0, 29))
PROMPTS = st.lists(
    st.builds(
        lambda positive, frame, at, to, line: on_frame(
            "scribble" if line else "point", positive, frame, (at, to) if line else (at,)
        ),
        st.booleans(), st.integers(0, 4), PIXEL, PIXEL, st.booleans(),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


class TestPromptsAreObeyed:
    @settings(deadline=None, max_examples=60)
    @given(PROMPTS, st.integers(0, 2**32 - 1), st.sampled_from([EVEN, OBLONG]), st.booleans())
    def test_whatever_the_image_and_the_prompts(
        self, prompts: list[Prompt], seed: int, spacing: Spacing, trained: bool
    ) -> None:
        """Positive ones are inside, negative ones outside; the last one on a voxel counts."""
        rng = np.random.default_rng(seed)
        image = rng.normal(size=(5, 30, 40)).astype(np.float32)
        prior = rng.random((5, 30, 40)).astype(np.float32) if trained else None
        if not any(one.positive for one in prompts):
            with pytest.raises(Unanswerable):
                found(image, *prompts, spacing=spacing, volume=True, prior=prior)
            return
        mask = found(image, *prompts, spacing=spacing, volume=True, prior=prior)
        said = np.zeros(image.shape, np.uint8)
        whole = Region((0, 0, 0), image.shape)
        for one in prompts:
            said[seeds._voxels(one, whole)] = seeds.INSIDE if one.positive else seeds.OUTSIDE
        assert mask[said == seeds.INSIDE].all()
        assert not mask[said == seeds.OUTSIDE].any()

    @settings(deadline=None, max_examples=30)
    @given(st.tuples(PIXEL, PIXEL), st.integers(0, 2**32 - 1))
    def test_nothing_lies_outside_a_box(self, corners: Any, seed: int) -> None:
        image = np.random.default_rng(seed).normal(size=(1, 30, 40)).astype(np.float32)
        mask = found(image, on_frame("box", True, 0, corners))
        (left, right), (top, bottom) = (sorted(side) for side in zip(*corners, strict=True))
        mask[0, top : bottom + 1, left : right + 1] = False
        assert not mask.any()

    def test_the_walk_solves_its_equations(self) -> None:
        """Against a dense solution, worked out here in another way."""
        rng = np.random.default_rng(5)
        image = rng.random((3, 4, 5)).astype(np.float32)
        known = rng.choice([0, 0, 0, 1, 2], image.shape).astype(np.uint8)
        prior = rng.random(image.shape).astype(np.float32)
        weights = np.zeros((image.size, image.size))
        places = list(np.ndindex(image.shape))
        for a, one in enumerate(places):
            for b, other in enumerate(places):
                step = np.abs(np.subtract(one, other))
                if step.sum() == 1:
                    far = (0.5 / OBLONG[int(step.argmax())]) ** 2
                    weights[a, b] = far * (np.exp(-7 * (image[one] - image[other]) ** 2) + 1e-4)
        system = np.diag(weights.sum(1)) - weights + 0.1 * np.eye(image.size)
        right = 0.1 * prior.ravel().astype(float)
        for at, value in enumerate(known.ravel()):
            if value:
                system[at], right[at] = np.eye(image.size)[at], float(value == 2)
        wanted = np.linalg.solve(system, right).reshape(image.shape)
        got = random_walk.chances(image, OBLONG, known, prior, Strength(7, 0.1))
        assert np.abs(got - wanted).max() < 5e-3


class TestOddInput:
    def test_an_image_of_one_value_gives_what_was_prompted_and_no_more_than_the_box(self) -> None:
        image = np.full((1, 40, 40), 7, np.float32)
        clicked = found(image, point(20, 20))
        assert clicked[0, 20, 20]
        boxed = found(image, on_frame("box", True, 0, ((10, 10), (20, 25))))
        assert not boxed[0, :10].any()
        assert not boxed[0, :, 21:].any()

    def test_a_single_pixel_can_be_prompted(self) -> None:
        assert found(np.zeros((1, 1, 1), np.float32), point(0, 0)).all()

    def test_only_negative_prompts_are_answered_with_a_sentence(self) -> None:
        with pytest.raises(Unanswerable, match="Mark a place inside"):
            found(np.zeros((1, 20, 20), np.float32), point(5, 5, positive=False))

    @pytest.mark.parametrize(
        "prompt", [point(-1, 3), point(3, 40), point(3, 3, 1), point(float("nan"), 3)]
    )
    def test_prompts_outside_the_image(self, prompt: Prompt) -> None:
        with pytest.raises(Unanswerable, match="outside the image"):
            region.around([prompt], (1, 40, 40), EVEN, volume=False)

    def test_prompts_on_several_images_want_the_images_around(self) -> None:
        several = [point(3, 3, 0), point(3, 3, 2)]
        with pytest.raises(Unanswerable, match="several images"):
            region.around(several, (5, 40, 40), EVEN, volume=False)
        assert region.around(several, (5, 40, 40), EVEN, volume=True).shape[0] == 5

    def test_too_large_a_box(self) -> None:
        whole = on_frame("box", True, 0, ((0, 0), (3999, 3999)))
        with pytest.raises(Unanswerable, match="too large"):
            region.around([whole], (1, 4000, 4000), EVEN, volume=False)

    @settings(max_examples=200)
    @given(
        st.tuples(st.integers(1, 400), st.integers(1, 3000), st.integers(1, 3000)),
        st.tuples(*[st.floats(0.05, 10)] * 3),
        st.tuples(*[st.floats(0, 1)] * 5),
        st.booleans(),
    )
    def test_a_region_is_within_the_image_holds_the_prompts_and_is_bounded(
        self, shape: tuple[int, int, int], spacing: Spacing, at: tuple[float, ...], volume: bool
    ) -> None:
        frame = int(at[0] * (shape[0] - 1))
        corners = tuple(
            (x * (shape[2] - 1), y * (shape[1] - 1)) for x, y in ((at[1], at[2]), (at[3], at[4]))
        )
        try:
            got = region.around(
                [on_frame("scribble", True, frame, corners)], shape, spacing, volume=volume
            )
        except Unanswerable as why:
            assert "too large" in str(why)  # noqa: PT017 - either is right
            return
        assert got.voxels <= region.MOST_VOXELS
        assert got.shape[0] <= (region.MOST_SLICES if volume else 1)
        assert got.start[0] <= frame < got.stop[0]
        for axis, size in enumerate(shape):
            assert 0 <= got.start[axis] < got.stop[axis] <= size
        for column, row in corners:
            assert got.start[1] <= round(row) < got.stop[1]
            assert got.start[2] <= round(column) < got.stop[2]

    def test_the_work_stops_when_nobody_waits_any_more(self) -> None:
        class Enough(Exception):
            pass

        def stop() -> None:
            raise Enough

        image = np.random.default_rng(0).normal(size=(1, 60, 60)).astype(np.float32)
        around = region.around([point(30, 30)], image.shape, EVEN, volume=False)
        with pytest.raises(Enough):
            segment(image[around.slices], EVEN, [point(30, 30)], around, image.shape, check=stop)


def tilted(truth: NDArray[np.bool_], degrees: float, half: float) -> Prompt:
    """A square box around the middle, in a plane from the side that leans over by so much."""
    frames, rows, columns = ((size - 1) / 2 for size in truth.shape)
    lean = np.array([np.sin(np.radians(degrees)), 0.0, np.cos(np.radians(degrees))])
    middle, down = np.array([columns, rows, frames]), np.array([0.0, 1.0, 0.0])
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    corners = [middle + a * half * lean + b * half * down for a, b in signs]
    return Prompt("box", True, tuple(tuple(map(float, one)) for one in corners))  # type: ignore[misc]


class TestPlanesAcrossTheImages:
    truth = ball((33, 50, 60), EVEN, 10)
    image = scan(truth)

    @pytest.mark.parametrize("degrees", [0, 12, 35, 90])
    def test_a_box_from_the_side_finds_a_ball_however_its_plane_leans(self, degrees: float) -> None:
        box = tilted(self.truth, degrees, 13)
        assert dice(found(self.image, box, volume=True), self.truth) > 0.93

    def test_a_box_from_the_side_on_thick_slices(self) -> None:
        truth = ball((15, 70, 60), OBLONG, 11)
        corners = [(29.5, 10.0, 3.0), (29.5, 60.0, 3.0), (29.5, 60.0, 11.0), (29.5, 10.0, 11.0)]
        box = Prompt("box", True, tuple(corners))
        assert dice(found(scan(truth), box, spacing=OBLONG, volume=True), truth) > 0.9

    def test_boxes_from_the_front_and_from_the_side_bound_a_block(self) -> None:
        """A rod through all images: the one from the side says where the sought part of it ends."""
        rod = np.zeros(self.truth.shape, np.bool_)
        rod[:, 20:30, 25:35] = True
        front = on_frame("box", True, 16, ((22, 17), (37, 32)))
        side = Prompt(
            "box",
            True,
            ((29.0, 17.0, 10.0), (29.0, 32.0, 10.0), (29.0, 32.0, 20.0), (29.0, 17.0, 20.0)),
        )
        mask = found(scan(rod), front, side, volume=True)
        wanted = rod.copy()
        wanted[:10] = wanted[21:] = False
        assert not mask[:10].any()
        assert not mask[21:].any()
        assert dice(mask, wanted) > 0.9

    def test_boxes_on_several_images_bound_no_block(self) -> None:
        """Of one direction, each adds to the others."""
        first = on_frame("box", True, 14, ((15, 12), (30, 37)))
        second = on_frame("box", True, 18, ((28, 12), (44, 37)))
        assert dice(found(self.image, first, second, volume=True), self.truth) > 0.9

    def test_clicks_and_scribbles_lie_on_several_images(self) -> None:
        line = Prompt("scribble", True, ((29.0, 24.0, 12.0), (29.0, 25.0, 21.0)))
        away = Prompt("scribble", False, ((29.0, 10.0, 2.0), (29.0, 10.0, 30.0)))
        mask = found(self.image, line, away, volume=True)
        assert mask[12:22, 24:26, 29].any(axis=1).all()
        assert not mask[2:31, 10, 29].any()
        assert dice(mask, self.truth) > 0.93

    def test_one_image_cannot_answer_them(self) -> None:
        with pytest.raises(Unanswerable, match="several images"):
            region.around([tilted(self.truth, 0, 8)], self.truth.shape, EVEN, volume=False)

    @settings(deadline=None, max_examples=25)
    @given(st.floats(0, 180), st.floats(2, 9), st.integers(0, 2**32 - 1))
    def test_nothing_lies_outside_its_box_whatever_its_plane(
        self, degrees: float, half: float, seed: int
    ) -> None:
        box = tilted(np.zeros((21, 24, 26), np.bool_), degrees, half)
        image = np.random.default_rng(seed).normal(size=(21, 24, 26)).astype(np.float32)
        mask = found(image, box, volume=True)
        lean = np.array([np.cos(np.radians(degrees)), 0, np.sin(np.radians(degrees))])
        offsets = np.argwhere(mask) - (np.array(mask.shape) - 1) / 2
        assert (np.abs(offsets @ lean) <= half + 1e-6).all()
        assert (np.abs(offsets[:, 1]) <= half + 1e-6).all()


class TestLowContrast:
    """Brightness alone is no help: a third of the voxels are brighter outside than the mean inside."""

    truth = ball((25, 60, 60), EVEN, 9)
    image = scan(truth, contrast=25, noise=20)

    def test_a_box_on_one_image_finds_most_of_a_ball(self) -> None:
        mask = found(self.image, box(self.truth, 12), volume=True)
        assert dice(mask, self.truth) > 0.75

    def test_what_is_found_lies_on_the_boxed_image_too(self) -> None:
        """Something larger and brighter before it is no reason to leave it out."""
        image = self.image.copy()
        image[:6, 20:40, 20:40] += 60
        mask = found(image, box(self.truth, 12), volume=True)
        assert dice(mask[12], self.truth[12]) > 0.8
