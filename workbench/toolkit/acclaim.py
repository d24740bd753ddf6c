"""Reader of Acclaim motion capture: an .asf skeleton with an .amc motion, as the CMU collection has them.

A bone turns at its near end by C M C^-1, with C from its `axis` and M from the frame's degrees of freedom; both are
products about fixed axes in the order as written (R_z R_y R_x for "XYZ"). A bone therefore becomes a joint at its
near end, whose offset is the vector of the bone before it; a bone without degrees of freedom is rigid, so it only
lengthens the offsets of those that follow; and the far end of a last bone becomes an end site.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from workbench.toolkit.motion import (
    MAX_FRAMES,
    MAX_JOINTS,
    MAX_VALUES,
    Motion,
    Skeleton,
    euler_rotation,
    problem,
    read_lines,
)

METRES_PER_INCH = 0.0254
CMU_FRAME_TIME = 1 / 120  # .amc files do not hold it
TRANSLATIONS = ("tx", "ty", "tz")
TURNS = ("rx", "ry", "rz")


@dataclass
class _Bone:
    name: str
    direction: Float[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))
    length: float = 0.0
    axis: Float[np.ndarray, "3 3"] = field(default_factory=lambda: np.eye(3))
    dof: tuple[str, ...] = ()

    @property
    def vector(self) -> Float[np.ndarray, "3"]:
        return self.length * self.direction


@dataclass
class _Body:
    """What an .asf file says: bones by name with "root" first, their parents, and the units."""

    bones: dict[str, _Bone]
    parents: dict[str, str]
    metres: float
    is_degrees: bool


class _Lines:
    """Non-empty, uncommented lines as lists of words, with the number of the line that is being read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        texts = (text.split("#", 1)[0].split() for text in read_lines(path))
        self._lines = [(number, words) for number, words in enumerate(texts, 1) if words]
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._lines)

    @property
    def number(self) -> int:
        return self._lines[max(self._at - 1, 0)][0] if self._lines else 1

    def peek(self) -> str:
        return self._lines[self._at][1][0]

    def next(self) -> list[str]:
        self._at += 1
        return self._lines[self._at - 1][1]

    def numbers(self, words: list[str], count: int, what: str) -> Float[np.ndarray, " n"]:
        try:
            values = np.array(words[:count], float)
        except ValueError:
            values = np.array([np.nan])
        if len(values) < count or not np.isfinite(values).all():
            raise problem(self.path, self.number, f"{what} should be {count} finite numbers, not {' '.join(words)!r}.")
        return values


def read_acclaim(skeleton_path: Path, motion_path: Path) -> Motion:
    """Read an .asf skeleton and an .amc motion, 120 frames a second; lengths become metres.

    Raises UserError naming the file and the line.
    """
    body = _read_skeleton(skeleton_path)
    frames = _read_frames(motion_path, body)
    joints = [name for name, bone in body.bones.items() if name == "root" or bone.dof]
    names, parents, offsets, is_end = ["root"], [-1], [np.zeros(3)], [False]
    for name in body.bones:
        if name == "root":
            continue
        is_last = name not in body.parents.values()
        if name in joints:
            parent, offset = _attachment(body, name, joints)
            names.append(name)
            parents.append(names.index(parent))
            offsets.append(offset)
            is_end.append(False)
        if is_last:
            parent, offset = (name, np.zeros(3)) if name in joints else _attachment(body, name, joints)
            names.append(f"{name}_end")
            parents.append(names.index(parent))
            offsets.append(offset + body.bones[name].vector)
            is_end.append(True)
    rotations = np.broadcast_to(np.eye(3), (len(frames["root"]), len(names), 3, 3)).copy()
    for name in joints:
        rotations[:, names.index(name)] = _rotations(body.bones[name], frames[name], body.is_degrees)
    root = body.bones["root"]
    moved = np.zeros((len(frames["root"]), 3))
    for column, kind in enumerate(root.dof):
        if kind in TRANSLATIONS:
            moved[:, TRANSLATIONS.index(kind)] = frames["root"][:, column] * body.metres
    skeleton = Skeleton(tuple(names), np.array(parents), np.array(offsets) * body.metres, np.array(is_end))
    return Motion(skeleton, rotations, moved, CMU_FRAME_TIME)


def _attachment(body: _Body, name: str, joints: list[str]) -> tuple[str, Float[np.ndarray, "3"]]:
    """Nearest ancestor that turns, and the vector from its near end to the near end of `name`."""
    parent = body.parents[name]
    offset = body.bones[parent].vector
    while parent not in joints:
        parent = body.parents[parent]
        offset = offset + body.bones[parent].vector
    return parent, offset


def _rotations(bone: _Bone, values: Float[np.ndarray, "f d"], is_degrees: bool) -> Float[np.ndarray, "f 3 3"]:
    turning = [column for column, kind in enumerate(bone.dof) if kind in TURNS]
    order = "".join(bone.dof[column][1].upper() for column in turning)
    angles = values[:, turning]
    matrix = _fixed_axes(order, np.radians(angles) if is_degrees else angles)
    return bone.axis @ matrix @ bone.axis.T


def _fixed_axes(order: str, angles: Float[np.ndarray, "*b n"]) -> Float[np.ndarray, "*b 3 3"]:
    return euler_rotation(order[::-1], angles[..., ::-1])


def _read_skeleton(path: Path) -> _Body:
    lines = _Lines(path)
    unit, is_degrees = 1.0, True
    bones: dict[str, _Bone] = {}
    parents: dict[str, str] = {}
    while lines:
        words = lines.next()
        match words[0].lower():
            case ":units":
                while lines and not lines.peek().startswith(":"):
                    words = lines.next()
                    if words[0].lower() == "length":
                        unit = float(lines.numbers(words[1:], 1, "the unit of length")[0])
                    elif words[0].lower() == "angle":
                        is_degrees = words[1:2] != ["rad"]
                if unit <= 0:
                    raise problem(path, lines.number, "the unit of length must be positive.")
            case ":root":
                bones["root"] = _read_root(lines, is_degrees)
            case ":bonedata":
                _read_bones(lines, bones, is_degrees)
            case ":hierarchy":
                parents = _read_hierarchy(lines, bones)
    if "root" not in bones or not parents:
        raise problem(path, lines.number, "the skeleton has no :root or no :hierarchy.")
    ordered = {name: bones[name] for name in ("root", *parents)}
    return _Body(ordered, parents, METRES_PER_INCH / unit, is_degrees)


def _read_root(lines: _Lines, is_degrees: bool) -> _Bone:
    root, axis, turn = _Bone("root"), "XYZ", np.zeros(3)
    while lines and not lines.peek().startswith(":"):
        words = lines.next()
        match words[0].lower():
            case "order":
                root.dof = _degrees_of_freedom(lines, words[1:])
            case "axis":
                axis = _axis_order(lines, words[1:])
            case "orientation":
                turn = lines.numbers(words[1:], 3, "the orientation")
    root.axis = _fixed_axes(axis, np.radians(turn) if is_degrees else turn)
    return root


def _read_bones(lines: _Lines, bones: dict[str, _Bone], is_degrees: bool) -> None:
    bone = _Bone("")
    while lines and not lines.peek().startswith(":"):
        words = lines.next()
        match words[0].lower():
            case "begin":
                bone = _Bone("")
            case "name":
                bone.name = words[1] if len(words) > 1 else ""
            case "direction":
                bone.direction = lines.numbers(words[1:], 3, "the direction")
            case "length":
                bone.length = float(lines.numbers(words[1:], 1, "the length")[0])
            case "axis":
                turn = lines.numbers(words[1:], 3, "the axis")
                order = _axis_order(lines, words[4:])
                bone.axis = _fixed_axes(order, np.radians(turn) if is_degrees else turn)
            case "dof":
                bone.dof = _degrees_of_freedom(lines, words[1:])
            case "end":
                if not bone.name or bone.name in bones:
                    raise problem(lines.path, lines.number, f"a bone needs a name of its own, not {bone.name!r}.")
                bones[bone.name] = bone
                if len(bones) > MAX_JOINTS // 2:
                    raise problem(lines.path, lines.number, f"there are more than {MAX_JOINTS // 2} bones.")


def _axis_order(lines: _Lines, words: list[str]) -> str:
    order = words[0].upper() if words else "XYZ"
    if sorted(order) != ["X", "Y", "Z"]:
        raise problem(lines.path, lines.number, f"an axis order is made of X, Y and Z, not {order!r}.")
    return order


def _degrees_of_freedom(lines: _Lines, words: list[str]) -> tuple[str, ...]:
    found = tuple(word.lower() for word in words)
    for word in found:
        if word not in (*TRANSLATIONS, *TURNS, "l"):
            raise problem(lines.path, lines.number, f"{word!r} is no degree of freedom.")
    if len(set(found)) < len(found):
        raise problem(lines.path, lines.number, "a degree of freedom is named twice.")
    return found


def _read_hierarchy(lines: _Lines, bones: dict[str, _Bone]) -> dict[str, str]:
    parents: dict[str, str] = {}
    while lines and not lines.peek().startswith(":"):
        words = lines.next()
        if words[0].lower() in {"begin", "end"}:
            continue
        parent, *children = words
        for name in words:
            if name not in bones:
                raise problem(lines.path, lines.number, f"{name!r} is in the hierarchy, but no bone of that name is.")
        if parent != "root" and parent not in parents:
            raise problem(lines.path, lines.number, f"{parent!r} has children before it has a parent.")
        for child in children:
            if child in parents or child == "root":
                raise problem(lines.path, lines.number, f"{child!r} has two parents.")
            parents[child] = parent
    return parents


def _read_frames(path: Path, body: _Body) -> dict[str, Float[np.ndarray, "f d"]]:
    """Values of each moving bone over all frames; every frame must name every one of them."""
    lines = _Lines(path)
    moving = {name: bone.dof for name, bone in body.bones.items() if bone.dof or name == "root"}
    width = sum(len(dof) for dof in moving.values())
    found: dict[str, list[Float[np.ndarray, " d"]]] = {name: [] for name in moving}
    frames = 0
    while lines:
        words = lines.next()
        if words[0].startswith(":"):
            body.is_degrees = {":radians": False, ":degrees": True}.get(words[0].lower(), body.is_degrees)
        elif len(words) == 1 and words[0].isdigit():
            _check_complete(lines, found, frames)
            frames += 1
            if frames > MAX_FRAMES or frames * max(width, 9 * len(moving)) > MAX_VALUES * 4:
                raise problem(path, lines.number, "there are more frames than can be loaded.")
        elif words[0] not in moving:
            raise problem(path, lines.number, f"{words[0]!r} is no moving bone of the skeleton.")
        elif len(found[words[0]]) >= frames:
            raise problem(path, lines.number, f"{words[0]!r} stands outside a frame, or twice in one.")
        else:
            dof = moving[words[0]]
            found[words[0]].append(lines.numbers(words[1:], len(dof), f"the values of {words[0]}"))
    _check_complete(lines, found, frames)
    if frames < 2:
        raise problem(path, lines.number, f"a motion needs at least 2 frames, not {frames}.")
    return {name: np.stack(rows) for name, rows in found.items()}


def _check_complete(lines: _Lines, found: dict[str, list[Float[np.ndarray, " d"]]], frames: int) -> None:
    for name, rows in found.items():
        if len(rows) < frames:
            raise problem(lines.path, lines.number, f"frame {frames} does not say how {name} moves.")
