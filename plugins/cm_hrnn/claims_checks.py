"""Checks of the representation, of what a network can learn, and of what its inputs and slow tiers are good for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from plugins.cm_hrnn.claims_music import EMBEDDED, GENERATED, Music
from plugins.cm_hrnn.contract import LABELS
from plugins.cm_hrnn.experiments.listen import Ablate, Compare, Listen
from plugins.cm_hrnn.experiments.training import GROUP, MEASURED
from plugins.cm_hrnn.generation import Request, Sampling, finished, generate, request_of
from plugins.cm_hrnn.measures import bootstrap_mean, chord_tone_ratio, measures_of
from plugins.cm_hrnn.representation import PITCH_SLOT, LeadSheet, decode, encode, events_of_one_hot, one_hot_events
from plugins.cm_hrnn.synthetic import synthetic_sheets
from workbench.sdk import ClaimBench, Finding, Table, claim

UNREAD = "not quoted: the tables could not be read (unverified)"
OURS, BASELINE = "ad_rm3t_fc_rs", "attention"
LOSS_WEIGHTS = np.array([0.4, 0.3, 0.3])
"""Of pitch, duration and bar."""


@claim(
    "lossless",
    statement="The event representation (bar flag, chord, duration, pitch) loses nothing of a 4/4 melody on the grid "
    "of sixteenths with its chords.",
    source="Section III-A (representation); the published arrays",
    paper="by construction",
    experiment="corpus",
    laptop="a few seconds",
    seeds=(0,),
)
def lossless(bench: ClaimBench, music: Music = EMBEDDED) -> Finding:
    """Every song, and 200 generated ones: decode(encode(song)) = song, also through the 197-d arrays."""
    rows, worst = [], 0
    songs = {music.name: music.sheets(bench), "generated": [own.sheet for own in synthetic_sheets(200, 0)]}
    for name, sheets in songs.items():
        bench.say(f"Encoding {name}")
        lost = sum(not decode(events_of_one_hot(one_hot_events(encode(own)))).equals(own) for own in sheets)
        worst += lost
        rows.append(
            (name, len(sheets), sum(len(own.notes) for own in sheets), sum(len(encode(own)) for own in sheets), lost)
        )
    what = "chorales" if music is EMBEDDED else "imported songs"
    measured = f"{rows[0][1]} {what} and {rows[1][1]} generated songs: {worst} changed by encoding and decoding."
    table = Table(("corpus", "songs", "notes", "events", "changed"), tuple(rows))
    return Finding(worst == 0, music.told(measured), table)


@claim(
    "overfit",
    statement="The three-tier network with accumulated time and residual can learn songs by heart, and plays them back "
    "from their first events.",
    source="sanity check of the implementation (not in the paper)",
    paper="not in the paper",
    experiment="listen",
    laptop="about 2 minutes",
)
def overfit(bench: ClaimBench) -> Finding:
    """8 chorales, 500 steps, no dropout: pitch loss below 0.3 nats; greedy playback right in 80 % of events."""
    rows, losses, shares = [], [], []
    for seed in bench.seeds:
        # Windows as in the paper's code: each begins with a song, so that playing a song back is what was learnt.
        run = bench.run(Listen, seed=seed, songs=10, steps=500, keep=1.0, batch=8, window=48, windows="songs",
                        keep_best=False, evaluate_every=500, test_songs=2)  # fmt: skip
        network, (x, a) = run.networks[OURS], run.tensors()
        first, length = network.config.first, x.shape[1]
        with torch.no_grad():
            logits = network.eval()(x, a)
            wanted = x[:, first:, 4].flatten()
            losses.append(float(torch.nn.functional.cross_entropy(logits.pitch.flatten(0, 1), wanted)))
        right = []
        for sheet in (own for own in run.split.train if len(encode(own)) >= length):
            truth = encode(sheet)
            made = finished(generate(network, [request_of(sheet, first)], Sampling(0, 0, 0, by_time=False)))[0]
            right.append(made.events[first:length, PITCH_SLOT] == truth[first:length, PITCH_SLOT])
        shares.append(float(np.concatenate(right).mean()))
        rows.append((seed, len(x), round(losses[-1], 4), len(right), round(shares[-1], 3)))
    holds = max(losses) < 0.3 and min(shares) >= 0.8
    measured = (
        f"Training pitch loss at most {max(losses):.3f} nats; of the pitches that follow the songs' "
        f"first events {100 * min(shares):.0f} % or more are played back greedily."
    )
    why = "" if holds else "The bar was below 0.3 nats and at least 80 % in every seed."
    return Finding(
        holds, measured, Table(("seed", "windows", "pitch loss (nats)", "songs", "played back"), tuple(rows)), why
    )


@claim(
    "accumulated_time",
    statement="With the accumulated time as an input, bars are filled exactly; without it the network misses some.",
    source="Section III-B and the success-bar measure of the published code",
    paper=f"{UNREAD}; authors' demo songs, measured here: 1.000 with it, 0.971 for AttentionRNN",
    experiment="compare",
    laptop="about 3 minutes",
)
def accumulated_time(bench: ClaimBench, music: Music = GENERATED) -> Finding:
    """800 steps, 20 songs, chords by index: at least 0.95 with it, and no less than without."""
    rows, means = [], {}
    names = (OURS, "3t_fc")
    column = MEASURED.index("success_bar")
    values: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for seed in bench.seeds:
        run = bench.run(Compare, seed=seed, models=names, steps=800, timing="index", test_songs=20, evaluate_every=200,
                        **music.parameters)  # fmt: skip
        for name in names:
            values[name].append(run.samples[name][:, column])
    for name in names:
        whole = np.concatenate(values[name])
        mean, low, high = bootstrap_mean(whole)
        means[name] = mean
        by_seed = ", ".join(f"{own.mean():.3f}" for own in values[name])
        rows.append((LABELS[name], round(mean, 4), f"{low:.3f} to {high:.3f}", by_seed))
    holds = means[OURS] >= 0.95 and means[OURS] >= means["3t_fc"]
    measured = f"Success-bar ratio {means[OURS]:.3f} with accumulated time, {means['3t_fc']:.3f} without."
    why = "" if holds else "The bar was at least 0.95, and at least as much as without."
    return Finding(
        holds, music.told(measured), Table(("network", "success-bar ratio", "95 %", "by seed"), tuple(rows)), why
    )


@claim(
    "chords",
    statement="The melodies follow the chords that they are given.",
    source="Section III (chord conditioning with one event of look-ahead)",
    paper="conditioning is by construction; no number",
    experiment="harmony",
    laptop="about 3 minutes",
)
def chords(bench: ClaimBench, music: Music = GENERATED) -> Finding:
    """1000 steps: chord-tone ratio of 20 songs at least 0.05 above that with the chords shuffled."""
    rows, gaps = [], []
    for seed in bench.seeds:
        run = bench.run(Listen, seed=seed, steps=1000, test_songs=2, evaluate_every=250, **music.parameters)
        network = run.networks[OURS]
        rng = np.random.default_rng(seed)
        own, other = [], []
        songs = run.measured_songs(20)
        for start in range(0, len(songs), GROUP):
            group = songs[start : start + GROUP]
            requests = [request_of(sheet, network.config.first) for sheet in group]
            for sheet, made in zip(group, finished(generate(network, requests, Sampling(), seed=seed)), strict=True):
                song = made.sheet()
                own.append(chord_tone_ratio(song))
                other.append(chord_tone_ratio(with_shuffled_chords(song, sheet, rng)))
            bench.say(f"Seed {seed}: {len(own)} songs")
        gaps.append(float(np.mean(own) - np.mean(other)))
        rows.append((seed, round(float(np.mean(own)), 4), round(float(np.mean(other)), 4), round(gaps[-1], 4)))
    holds = min(gaps) >= 0.05
    measured = (
        f"{100 * np.mean([row[1] for row in rows]):.1f} % of the melody's duration is on chord tones, "
        f"{100 * np.mean([row[2] for row in rows]):.1f} % with the chords shuffled."
    )
    why = "" if holds else "The bar was a difference of at least 0.05 in every seed."
    return Finding(
        holds, music.told(measured), Table(("seed", "given chords", "shuffled", "difference"), tuple(rows)), why
    )


def with_shuffled_chords(song: LeadSheet, given: LeadSheet, rng: np.random.Generator) -> LeadSheet:
    """The melody over its own chords in another order: whole bars of harmony change places."""
    from plugins.cm_hrnn.chords import BAR, chords_at, merged

    bars = max(1, song.length // BAR)
    by_slot = chords_at(given.chords, np.arange(bars * BAR)).reshape(bars, BAR)
    mixed = by_slot[rng.permutation(bars)].ravel()
    rows = merged(np.stack([np.arange(bars * BAR), mixed], 1))
    return replace(song, chords=rows)


@claim(
    "slow_tiers",
    statement="What the slow tiers remember is used: without it held-out songs become less likely.",
    source="follows from the paper's argument for the hierarchy",
    paper="not measured in the paper",
    experiment="ablate",
    laptop="about 2 minutes",
)
def slow_tiers(bench: ClaimBench, music: Music = EMBEDDED) -> Finding:
    """600 steps: zeroing c raises the validation loss in every seed."""
    rows, gaps = [], []
    songs = 0
    for seed in bench.seeds:
        run = bench.run(Ablate, seed=seed, steps=600, evaluate_every=200, test_songs=2, **music.parameters)
        songs = len(run.split.train)
        costs = {name: float(LOSS_WEIGHTS @ nll) for name, nll in run.nll.items()}
        gaps.append(costs["zero bar tier"] - costs["none"])
        rows.append((seed, *(round(cost, 4) for cost in costs.values())))
    holds = min(gaps) > 0
    measured = f"Zeroing the bar tier costs {np.mean(gaps):+.4f} nats an event on average (by seed {_list(gaps)})."
    why = "" if holds else (
        f"The loss had to rise in every seed. With {songs} songs to learn from the quick tiers say nearly everything: "
        "at the weights that suit held-out songs best, the slowest tier is hardly used."
    )  # fmt: skip
    return Finding(holds, music.told(measured), Table(("seed", *run.nll), tuple(rows)), why)


@claim(
    "temperature",
    statement="The sampling temperature trades repetition for variety: hot melodies have more pitch classes and "
    "compress less.",
    source="generation settings of the published scripts (pitch 0.7)",
    paper="not measured in the paper",
    experiment="listen",
    laptop="about 2 minutes",
)
def temperature(bench: ClaimBench, music: Music = EMBEDDED) -> Finding:
    """600 steps, 20 songs: from T = 0.3 to 1.5 entropy rises and compression falls in each seed."""
    rows, holds = [], True
    for seed in bench.seeds:
        run = bench.run(Listen, seed=seed, steps=600, test_songs=2, evaluate_every=150, **music.parameters)
        found = {}
        for heat in (0.3, 0.7, 1.5):
            found[heat] = sampled_measures(bench, run, heat, 20, seed)
            rows.append((seed, heat, *(round(found[heat][key], 4) for key in ("entropy", "compression"))))
        holds &= found[1.5]["entropy"] > found[0.3]["entropy"]
        holds &= found[1.5]["compression"] < found[0.3]["compression"]
    table = np.array([row[2:] for row in rows]).reshape(len(bench.seeds), 3, 2).mean(0)
    measured = (
        f"From T = 0.3 to 1.5 the pitch-class entropy goes from {table[0, 0]:.2f} to {table[2, 0]:.2f} bits and the "
        f"compression ratio from {table[0, 1]:.3f} to {table[2, 1]:.3f}."
    )
    why = "" if holds else "Both had to move in this way in every seed."
    return Finding(
        holds, music.told(measured), Table(("seed", "T", "entropy (bits)", "compression ratio"), tuple(rows)), why
    )


def sampled_measures(bench: ClaimBench, run: Listen, heat: float, count: int, seed: int) -> dict[str, float]:
    """Mean measures of songs generated at one pitch temperature."""
    network, sheets = run.networks[OURS], run.measured_songs(count)
    found: list[dict[str, float]] = []
    for start in range(0, count, GROUP):
        requests: list[Request] = [request_of(own, network.config.first) for own in sheets[start : start + GROUP]]
        for made in finished(generate(network, requests, Sampling(pitch=heat, by_time=False), seed=seed)):
            bench.say(f"Seed {seed}, T = {heat:g}: {len(found) + 1} songs")
            found.append(measures_of(made.sheet(), made.own_events))
    return {key: float(np.nanmean([own[key] for own in found])) for key in found[0]}


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:+.4f}" for value in values)
