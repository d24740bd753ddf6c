"""Reader of BVH motion files: a HIERARCHY of joints with their channels, then MOTION, one line a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from workbench.sdk import UserError
from workbench.toolkit.motion import (
    MAX_FRAMES,
    MAX_JOINTS,
    MAX_VALUES,
    METRES_PER_BVH_UNIT,
    Motion,
    Skeleton,
    euler_rotation,
    problem,
    read_lines,
)

CHANNELS = tuple(f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ")


@dataclass
class _Joint:
    name: str
    parent: int
    line: int
    is_end_site: bool = False
    offset: tuple[float, float, float] | None = None
    channels: tuple[str, ...] = ()


class _Words:
    """Words of the file one after the other, with the line on which each stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = read_lines(path)
        self._words = (
            (word, number) for number, text in enumerate(self.lines, 1) for word in text.split() if not text.isspace()
        )
        self.line = 1

    def next(self, expected: str) -> str:
        word, self.line = next(self._words, ("", len(self.lines)))
        if not word:
            raise problem(self.path, self.line, f"the file ends where {expected} was expected.")
        return word

    def expect(self, *words: str) -> None:
        found = self.next(repr(words[0]))
        if found.upper() not in {word.upper() for word in words}:
            raise problem(self.path, self.line, f"expected {' or '.join(map(repr, words))}, found {found!r}.")

    def number(self, what: str) -> float:
        word = self.next(what)
        try:
            value = float(word)
        except ValueError:
            raise problem(self.path, self.line, f"{what} should be a number, not {word!r}.") from None
        if not np.isfinite(value):
            raise problem(self.path, self.line, f"{what} is {word}, which is no finite number.")
        return value

    def whole(self, what: str, limit: int) -> int:
        value = self.number(what)
        if value != int(value) or not 0 <= value <= limit:
            raise problem(self.path, self.line, f"{what} should be a whole number from 0 to {limit}, not {value:g}.")
        return int(value)


def read_bvh(path: Path) -> Motion:
    """Read a BVH file; lengths become metres, and End Sites of non-zero length become joints `<parent>_end`.

    Rotation orders may differ from joint to joint. Raises UserError naming the file and the line.
    """
    words = _Words(path)
    joints = _hierarchy(words)
    frames, frame_time = _motion_header(words)
    width = sum(len(joint.channels) for joint in joints)
    if frames * width > MAX_VALUES:
        raise UserError(f"{path.name} announces {frames} frames of {width} values, more than can be loaded.")
    values = _values(words, frames, width)
    return _assemble(joints, values, frame_time)


def _hierarchy(words: _Words) -> list[_Joint]:
    words.expect("HIERARCHY")
    words.expect("ROOT")
    joints = [_Joint(words.next("the root's name"), -1, words.line)]
    words.expect("{")
    open_joints = [0]
    while open_joints:
        word = words.next("'}'")
        joint = joints[open_joints[-1]]
        match word.upper():
            case "OFFSET":
                x, y, z = (words.number(f"the offset of {joint.name}") for _ in range(3))
                joint.offset = (x, y, z)
            case "CHANNELS" if not joint.is_end_site:
                joint.channels = _channels(words, joint)
            case "JOINT" if not joint.is_end_site:
                joints.append(_Joint(words.next("a joint's name"), open_joints[-1], words.line))
                words.expect("{")
                open_joints.append(len(joints) - 1)
            case "END" if not joint.is_end_site:
                words.expect("Site")
                joints.append(_Joint(f"{joint.name}_end", open_joints[-1], words.line, is_end_site=True))
                words.expect("{")
                open_joints.append(len(joints) - 1)
            case "}":
                if joint.offset is None:
                    raise problem(words.path, words.line, f"{joint.name} has no OFFSET.")
                open_joints.pop()
            case _:
                raise problem(words.path, words.line, f"{word!r} is not expected inside {joint.name}.")
        if len(joints) > MAX_JOINTS:
            raise problem(words.path, words.line, f"there are more than {MAX_JOINTS} joints.")
    return joints


def _channels(words: _Words, joint: _Joint) -> tuple[str, ...]:
    known = {name.lower(): name for name in CHANNELS}
    found = []
    for _ in range(words.whole(f"the number of channels of {joint.name}", len(CHANNELS))):
        word = words.next("a channel")
        if word.lower() not in known:
            raise problem(words.path, words.line, f"{word!r} is no channel; known are {', '.join(CHANNELS)}.")
        found.append(known[word.lower()])
    if len(set(found)) < len(found):
        raise problem(words.path, words.line, f"{joint.name} names a channel twice.")
    return tuple(found)


def _motion_header(words: _Words) -> tuple[int, float]:
    words.expect("MOTION")
    words.expect("Frames:")
    frames = words.whole("the number of frames", MAX_FRAMES)
    if frames < 2:
        raise problem(words.path, words.line, f"a motion needs at least 2 frames, not {frames}.")
    words.expect("Frame")
    words.expect("Time:")
    frame_time = words.number("the frame time")
    if frame_time <= 0:
        raise problem(words.path, words.line, f"the frame time must be positive, not {frame_time:g}.")
    return frames, frame_time


def _values(words: _Words, frames: int, width: int) -> Float[np.ndarray, "f w"]:
    """Parse the frames; they start on the line after the frame time, one line each."""
    numbered = [(number, text) for number, text in enumerate(words.lines[words.line :], words.line + 1) if text.strip()]
    if len(numbered) < frames:
        raise problem(
            words.path, len(words.lines), f"the file ends after {len(numbered)} of the {frames} frames it announces."
        )
    values = np.empty((frames, width))
    for row, (number, text) in enumerate(numbered[:frames]):
        parts = text.split()
        if len(parts) != width:
            raise problem(
                words.path, number, f"a frame of {len(parts)} values, where the joints have {width} channels."
            )
        try:
            values[row] = parts
        except ValueError:
            raise problem(words.path, number, "a frame holds something that is not a number.") from None
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
        raise problem(words.path, numbered[row][0], "a frame holds a value that is not finite.")
    return values


def _assemble(joints: list[_Joint], values: Float[np.ndarray, "f w"], frame_time: float) -> Motion:
    kept = [index for index, joint in enumerate(joints) if not (joint.is_end_site and not any(joint.offset or ()))]
    place = {old: new for new, old in enumerate(kept)}
    rotations = np.broadcast_to(np.eye(3), (len(values), len(kept), 3, 3)).copy()
    root_positions = np.zeros((len(values), 3))
    column = 0
    for index, joint in enumerate(joints):
        own = values[:, column : column + len(joint.channels)]
        column += len(joint.channels)
        order = [channel[0] for channel in joint.channels if channel.endswith("rotation")]
        turns = own[:, [channel.endswith("rotation") for channel in joint.channels]]
        if order:
            rotations[:, place[index]] = euler_rotation("".join(order), np.radians(turns))
        if index == 0:
            for at, channel in enumerate(joint.channels):
                if channel.endswith("position"):
                    root_positions[:, "XYZ".index(channel[0])] = own[:, at] * METRES_PER_BVH_UNIT
    skeleton = Skeleton(
        tuple(joints[old].name for old in kept),
        np.array([-1 if joints[old].parent < 0 else place[joints[old].parent] for old in kept], np.int64),
        np.array([joints[old].offset for old in kept]) * METRES_PER_BVH_UNIT,
        np.array([joints[old].is_end_site for old in kept]),
    )
    return Motion(skeleton, rotations, root_positions, frame_time)
