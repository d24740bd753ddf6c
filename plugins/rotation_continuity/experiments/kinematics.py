"""Experiment C: joint rotations from joint positions, scored through forward kinematics (section 3.8)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from plugins.rotation_continuity import data, exports, published
from plugins.rotation_continuity.contract import KinematicsParameters
from plugins.rotation_continuity.evaluation import Evaluation
from plugins.rotation_continuity.experiments.common import finish, is_current, loss_metrics, set_learning_rate
from plugins.rotation_continuity.experiments.rotation_test import TEST_SEED
from plugins.rotation_continuity.frames import KinematicsFrame, PoseAnswer
from plugins.rotation_continuity.kinematics import ForwardKinematics, reach
from plugins.rotation_continuity.networks import Ensemble, StackedMLP, padded_outputs, seed_generators
from plugins.rotation_continuity.representations import REPRESENTATIONS
from workbench.sdk import Context, Experiment, Metrics, Progress, UserError, action
from workbench.toolkit.motion import Motion, load_motion, write_bvh

CM = 100.0
CLIP_FRAMES = 144  # two walking cycles of the embedded skeleton
LIVE_POSES = 400
TRAINING_SHARE = 0.8  # of a loaded motion; the rest is the test
CHUNK_POSES = 4000
"""Networks times poses of one test pass: about 100 ms on one core."""


class Kinematics(Experiment[KinematicsParameters, KinematicsFrame]):
    """Networks joint positions -> codes of all joints -> local rotations -> positions, on identical batches."""

    def __init__(self, parameters: KinematicsParameters, context: Context) -> None:
        super().__init__(parameters, context)
        motion = data.walk_motion(CLIP_FRAMES)
        self._recorded = bool(parameters.motion_file)
        if self._recorded:
            skeleton_file = Path(parameters.skeleton_file) if parameters.skeleton_file else None
            motion = load_motion(Path(parameters.motion_file), skeleton_file)
        self._motion, self._skeleton = motion, motion.skeleton
        joints = len(self._skeleton)
        if joints < 3 or not np.abs(self._skeleton.offsets[1:]).max() > 0:
            raise UserError(f"{Path(parameters.motion_file).name} has no skeleton that could be posed.")
        chosen = [REPRESENTATIONS[name] for name in parameters.representations]
        widths = (3 * joints, *[parameters.width] * parameters.depth, padded_outputs(chosen, per_item=joints))
        self._seeds = tuple(range(context.seed, context.seed + parameters.seeds))
        body = StackedMLP(len(chosen) * parameters.seeds, widths)
        self.network = Ensemble(body, chosen, self._seeds, per_item=joints).to(context.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), fused=True)
        self.generators = seed_generators(self._seeds, context.device)
        self._positions = ForwardKinematics(self._skeleton, context.device)
        self._pins = list(self._skeleton.root_children)
        self._train = self._test = self._clip = torch.empty(0)
        self._truth = torch.empty(0)
        self._evaluation: Evaluation | None = None
        self._clip_answer: tuple[np.ndarray, np.ndarray] | None = None

    def prepare(self) -> Iterator[Progress]:
        """Split a loaded motion, or draw the test poses, the same for every seed."""
        yield Progress("Preparing poses")
        own = self.parameters
        rotations = torch.from_numpy(self._motion.rotations).float()
        if self._recorded:
            split = min(max(2, int(TRAINING_SHARE * len(rotations))), len(rotations) - 1)
            self._train, self._test = rotations[:split], rotations[split:][: own.test_poses]
            self._clip = rotations[split:][:CLIP_FRAMES]
        else:
            self._test = self._draw(own.test_poses, torch.Generator().manual_seed(TEST_SEED))
            self._clip = rotations
        device = self.context.device
        self._train, self._test, self._clip = (part.to(device) for part in (self._train, self._test, self._clip))
        self._truth = self._positions(self._test)
        yield from self._evaluate(whole=False)

    def _draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "b j 3 3"]:
        """Poses of one batch: drawn, or a clip of consecutive frames of the loaded motion, randomly turned."""
        own = self.parameters
        if self._recorded:
            length = min(count, len(self._train))
            start = int(torch.randint(len(self._train) - length + 1, (), generator=generator, device=generator.device))
            return data.turned(self._train[start : start + length], own.yaw, generator, together=True)
        walking = {"random": 0, "walk": count, "mixed": count // 2}[own.poses]
        parts = [data.varied_walk_poses(walking, generator)] if walking else []
        parts += [data.random_poses(count - walking, generator)] if walking < count else []
        return data.turned(torch.cat(parts), own.yaw, generator)

    def run(self) -> Iterator[Metrics | Progress]:
        """Train all networks, one batch for each seed and step, and look at the test set now and then."""
        while self.step < self.parameters.steps:
            own = self.parameters
            set_learning_rate(self.optimizer, own, self.step)
            truth = torch.stack([self._positions(self._draw(own.batch, g)) for g in self.generators])
            predicted = self._positions(self.network(truth.flatten(-2)))
            square = (predicted - truth).square()
            losses = square.mean((-3, -2, -1)) + own.hip_weight * square[..., self._pins, :].mean((-3, -2, -1))
            self.optimizer.zero_grad(set_to_none=True)
            losses.sum().backward()
            self.optimizer.step()
            self.step += 1
            metrics = loss_metrics(self.network.names, losses)
            is_last = self.step >= own.steps
            if is_last or self.step % own.evaluate_every == 0:
                yield from self._evaluate(whole=is_last)
                metrics |= self._evaluation.metrics(self.network.names)
            yield metrics
        if not self._is_tested():
            yield from self._evaluate(whole=True)

    def _is_tested(self) -> bool:
        seen = self._evaluation
        return seen is not None and seen.step == self.step and seen.tested == len(self._test)

    def whole_look(self) -> Evaluation:
        """Return a look at the whole test set."""
        return self._evaluation if self._is_tested() else finish(self._look(whole=True))

    def _evaluate(self, *, whole: bool) -> Iterator[Progress]:
        for said in self._look(whole=whole):
            if isinstance(said, Evaluation):
                self._evaluation, self._clip_answer = said, None
            else:
                yield said

    @torch.no_grad()
    def _look(self, *, whole: bool) -> Iterator[Progress | Evaluation]:
        """Errors in cm on the test poses, in pieces; the Evaluation comes last."""
        truth = self._truth if whole else self._truth[:LIVE_POSES]
        size = max(1, CHUNK_POSES // self.network.members)
        errors, firsts = [], []
        degenerate = torch.zeros(len(self.network.names), dtype=torch.int64)
        for start in range(0, len(truth), size):
            piece = truth[start : start + size]
            raw = self.network.raw(self._inputs(piece))
            predicted = self._positions(self.network.decode(raw, evaluated=True))
            errors.append(CM * torch.linalg.vector_norm(predicted - piece, dim=-1).mean(-1).cpu())
            firsts.append(predicted[:, 0].cpu())
            for index, own in enumerate(self.network.representations):
                codes = raw[index, ..., : self.network.outputs(index)].unflatten(-1, (-1, own.dimension))
                degenerate[index] += own.degenerate(codes).sum().cpu()
            yield Progress("Testing", min(1.0, (start + size) / len(truth)))
        yield Evaluation(
            self.step, torch.cat(errors, -1).numpy(), torch.cat(firsts, 1).numpy(), degenerate.numpy(), math.nan
        )

    def _inputs(self, positions: Float[Tensor, "b j 3"]) -> Float[Tensor, "s b i"]:
        return positions.flatten(-2).expand(len(self._seeds), -1, -1)

    @torch.no_grad()
    def _rotations_of(self, positions: Float[Tensor, "b j 3"]) -> Float[Tensor, "r b j 3 3"]:
        """First seed's local rotations."""
        return self.network.decode(self.network.raw(self._inputs(positions)), evaluated=True)[:, 0]

    def frame(self) -> KinematicsFrame:
        """Pack the last look at the test set, and the clip as every network poses it."""
        if not is_current(self._evaluation, self.step, self.parameters.evaluate_every):
            self._evaluation, self._clip_answer = finish(self._look(whole=False)), None
        truth = self._positions(self._clip)
        if self._clip_answer is None:
            predicted = self._positions(self._rotations_of(truth))
            errors = CM * torch.linalg.vector_norm(predicted - truth, dim=-1).mean(-1)
            self._clip_answer = predicted.cpu().numpy(), errors.cpu().numpy()
        predicted_clip, clip_errors = self._clip_answer
        return KinematicsFrame(
            **self._evaluation.frame_fields(self.network.names, self.step),
            joints=self._skeleton.names,
            parents=self._skeleton.parents,
            frame_time=self._motion.frame_time,
            clip=truth.cpu().numpy(),
            predicted=predicted_clip,
            clip_errors=clip_errors,
        )

    @action
    def case(self, index: int) -> PoseAnswer:
        """Ask every network for one pose of the test set."""
        if not 0 <= index < len(self._test):
            raise UserError(f"There are test poses 0 to {len(self._test) - 1}; {index} is none of them.")
        return self._pose_answer(self._test[index].cpu().numpy())

    @action
    def pose(self, pose: np.ndarray) -> PoseAnswer:
        """Ask every network for a pose given by its local rotations."""
        return self._pose_answer(self._checked_pose(pose))

    def _checked_pose(self, pose: np.ndarray) -> Float[np.ndarray, "j 3 3"]:
        rotations = np.asarray(pose, float)
        if rotations.shape != (len(self._skeleton), 3, 3) or not np.isfinite(rotations).all():
            raise UserError(f"A pose is {len(self._skeleton)} rotation matrices of finite numbers.")
        return rotations

    @action
    def reach(self, joint: int, position: np.ndarray, frame: int = 0, pose: np.ndarray | None = None) -> PoseAnswer:
        """Move one joint of a pose (or of the clip's `frame`) to a target in metres, and ask every network for it.

        The joints above it turn as far as needed; what the networks see are the joint positions that result.
        """
        joints = len(self._skeleton)
        if not 0 < joint < joints:
            raise UserError(f"Joints 1 to {joints - 1} can be moved; {joint} is none of them.")
        target = np.asarray(position, float)
        if target.shape != (3,) or not np.isfinite(target).all():
            raise UserError("A target is three finite numbers, in metres.")
        start = self._clip[frame % len(self._clip)].cpu().numpy() if pose is None else self._checked_pose(pose)
        return self._pose_answer(reach(self._skeleton, start, joint, target))

    def _pose_answer(self, rotations: Float[np.ndarray, "j 3 3"]) -> PoseAnswer:
        truth = self._positions(torch.from_numpy(rotations.astype(np.float32))[None].to(self.context.device))
        predicted = self._positions(self._rotations_of(truth))[:, 0]
        errors = CM * torch.linalg.vector_norm(predicted - truth, dim=-1).mean(-1)
        return PoseAnswer(
            self.network.names, rotations.astype(np.float32), truth[0].cpu().numpy(), predicted.cpu().numpy(),
            errors.cpu().numpy(),
        )  # fmt: skip

    def save_artefacts(self, folder: Path) -> None:
        """Write the clip as posed by every network (.bvh), each test pose's errors, and the table."""
        seen = self.whole_look()
        names = self.network.names
        header = [f"error_cm_{name}_seed{seed}" for name in names for seed in range(seen.errors.shape[1])]
        exports.write_rows(folder / "test_poses.csv", header, seen.errors.reshape(-1, seen.tested).T)
        exports.write_tables(folder, names, seen.table(), "cm", published.KINEMATICS)
        root = np.zeros((len(self._clip), 3))
        still = Motion(self._skeleton, self._clip.cpu().numpy(), root, self._motion.frame_time)
        write_bvh(folder / "truth.bvh", still)
        predicted = self._rotations_of(self._positions(self._clip)).cpu().numpy()
        for own, rotations in zip(self.network.representations, predicted, strict=True):
            if own.is_rotation:
                write_bvh(
                    folder / f"predicted_{own.name}.bvh",
                    Motion(self._skeleton, rotations, root, self._motion.frame_time),
                )
