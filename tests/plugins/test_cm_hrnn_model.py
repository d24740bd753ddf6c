"""Tiers tick at their own rates, nothing looks ahead, batches and steps agree, sampling is what it says."""

import math

import numpy as np
import pytest
import torch

from plugins.cm_hrnn import generation, model
from plugins.cm_hrnn.corpus import CHORALES, load_sheets
from plugins.cm_hrnn.generation import Request, Sampling, Stepper, finished, generate, request_of
from plugins.cm_hrnn.model import Config, Logits, event_losses, make_network
from plugins.cm_hrnn.representation import (
    INPUT_SIZE,
    accumulated_time,
    conditioned,
    decode,
    encode,
    lead_sheet,
    one_hot_events,
)

SMALL = {"hidden": 12, "keep": 0.5}
CONFIGS = {
    "3t+a+rs": Config(3, 16, 8, layers=2, **SMALL),
    "3t+a": Config(3, 16, 4, has_residual=False, **SMALL),
    "3t": Config(3, 16, 2, has_time=False, **SMALL),
    "2t+a": Config(2, 16, 16, **SMALL),
    "2t": Config(2, 16, 8, has_time=False, layers=2, **SMALL),
    "attention": Config(1, frame=1, layers=2, **SMALL),
    "vanilla": Config(0, frame=1, layers=3, **SMALL),
}
EVERY = pytest.mark.parametrize("name", CONFIGS)


@pytest.fixture(scope="module")
def song():
    sheet = max(load_sheets(CHORALES)[:40], key=lambda own: len(encode(own)))
    events = encode(sheet)[:96]
    return torch.from_numpy(conditioned(events))[None], torch.from_numpy(accumulated_time(events))[None]


def network(name, seed=0):
    torch.manual_seed(seed)
    return make_network(CONFIGS[name]).eval()


def test_shapes_of_every_tier_at_the_papers_sizes():
    own = make_network(Config(3, 16, 8, hidden=32)).eval()
    x = torch.zeros(2, 128, 5, dtype=torch.long)
    c, _ = own.bar_step(x[:, :112].unflatten(1, (-1, 16)), None)
    assert c.shape == (2, 7, 2, 32)
    assert c.flatten(1, 2).shape == (2, 14, 32)
    f, _ = own.group_step(x[:, 8:120].unflatten(1, (-1, 8)), c.flatten(1, 2), None)
    assert f.flatten(1, 2).shape == (2, 112, 32)
    logits = own(x, torch.zeros(2, 128, dtype=torch.long))
    assert (logits.bar.shape, logits.duration.shape, logits.pitch.shape) == ((2, 112, 2), (2, 112, 16), (2, 112, 130))
    two = make_network(Config(2, 16, 16, hidden=32)).eval()
    assert two(x, torch.zeros(2, 128, dtype=torch.long)).pitch.shape == (2, 112, 130)


@EVERY
def test_teacher_forcing_gives_what_the_stepwise_generator_gives(name, song):
    x, a = song
    own = network(name)
    batch, stepper = own(x, a), Stepper(own, 1)
    with torch.no_grad():
        for t in range(x.shape[1]):
            if t >= own.config.first:
                one, place = stepper.logits(a[:, t]), t - own.config.first
                for part in ("bar", "duration", "pitch"):
                    assert torch.allclose(getattr(one, part)[0], getattr(batch, part)[0, place], atol=1e-5)
            stepper.push(x[:, t])


@EVERY
def test_changing_the_future_leaves_every_earlier_output_as_it_was(name, song):
    x, a = song
    own = network(name)
    before = own(x, a)
    for t in (own.config.first + 3, 40, 95):
        other = x.clone()
        other[:, t:, 0] = 1 - other[:, t:, 0]
        other[:, t:, 1] = (other[:, t:, 1] + 7) % 49  # the next chord of events to come, and their own
        other[:, t:, 2] = (other[:, t:, 2] + 5) % 49
        other[:, t:, 3] = (other[:, t:, 3] + 3) % 16
        other[:, t:, 4] = (other[:, t:, 4] + 11) % 130
        after = own(other, a)
        until = t - own.config.first + 1
        for part in ("bar", "duration", "pitch"):
            assert torch.equal(getattr(before, part)[:, :until], getattr(after, part)[:, :until])
        if t < 90:
            assert not torch.equal(before.pitch[:, until:], after.pitch[:, until:])


def embedded(own, x):
    """Replace the one-hot weights' lookups by a leaf that says on which events an output depends."""
    gates = torch.ones(x.shape[1], requires_grad=True)
    plain = model.OneHotLinear.forward

    def forward(self, index):
        # An event's place in the song is read from its bar slot, which the caller fills with its number.
        place = index[..., 0]
        rows = (index.clone().index_fill_(-1, torch.tensor([0]), 0) + self.offsets).reshape(-1, 5)
        weight = self.weight[rows].sum(1).reshape(*index.shape[:-1], self.out)
        found = (weight * gates[place][..., None]).sum(-2)
        return found if self.bias is None else found + self.bias

    return gates, forward, plain


@pytest.mark.parametrize(
    ("name", "slow", "middle"), [("3t+a+rs", 16, 8), ("3t+a", 16, 4), ("3t", 16, 2), ("2t", None, 8)]
)
def test_each_tier_is_clocked_at_its_own_rate_as_its_gradients_show(name, slow, middle, song, monkeypatch):
    """The output at t depends on the last F events, on whole groups up to the last group tick, and no event between."""
    x, a = song
    own, (gates, forward, _) = network(name), embedded(None, song[0])
    numbered = x.clone()
    numbered[0, :, 0] = torch.arange(x.shape[1])
    monkeypatch.setattr(model.OneHotLinear, "forward", forward)
    frame = own.config.frame
    for t in (48, 48 + middle - 1, 55, 63):
        logits = own(numbered, a)
        (grad,) = torch.autograd.grad(logits.pitch[0, t - own.config.first].sum() + 0 * gates.sum(), gates)
        reached = set(np.flatnonzero(grad.numpy()).tolist())
        last_group = t // middle * middle
        direct = set(range(t - frame, t))
        through_tiers = set(range(last_group))
        assert reached <= direct | through_tiers
        assert direct <= reached
        assert max(reached) == t - 1
        if slow:
            # Without the convolution and the group tier's own chunks nothing younger than the last bar tick is heard.
            c, _ = own.bar_step(numbered[:, : 96 - 16].unflatten(1, (-1, 16)), None)
            tick = t // slow - 1
            (grad,) = torch.autograd.grad(c[0, tick].sum(), gates)
            assert set(np.flatnonzero(grad.numpy())) == set(range((tick + 1) * slow))


def test_states_change_only_when_their_tier_ticks(song):
    x, _ = song
    own, ticks = network("3t+a"), []
    stepper = Stepper(own, 1)
    with torch.no_grad():
        for t in range(64):
            stepper.push(x[:, t])
            ticks.append((len(stepper.bar_ticks), len(stepper.group_ticks)))
    assert [t + 1 for t in range(1, 64) if ticks[t][0] > ticks[t - 1][0]] == [16, 32, 48, 64]
    assert [t + 1 for t in range(1, 64) if ticks[t][1] > ticks[t - 1][1]] == list(range(16, 65, 4))
    assert [t for t, _ in stepper.bar_ticks] == [16, 32, 48, 64]


@EVERY
def test_accumulated_time_is_used_where_it_should_be_and_nowhere_else(name, song):
    x, a = song
    own = network(name)
    changed = own(x, (a + 5) % 16)
    is_same = torch.equal(own(x, a).duration, changed.duration)
    assert is_same != (own.config.has_time and own.config.tiers >= 2)


def test_the_residual_adds_c_once_more(song):
    x, a = song
    with_it, without = network("3t+a+rs"), make_network(Config(3, 16, 8, layers=2, has_residual=False, **SMALL)).eval()
    without.load_state_dict(with_it.state_dict())
    assert not torch.equal(with_it(x, a).pitch, without(x, a).pitch)
    c = torch.randn(1, 1, 12)
    chunk = x[:, :8].unflatten(1, (-1, 8))
    difference = with_it.group_step(chunk, c, None)[0] - without.group_step(chunk, c, None)[0]
    expected = (c @ with_it.group_out.weight.T).unflatten(-1, (8, 12))
    assert torch.allclose(difference, expected, atol=1e-6)


def test_one_hot_layers_are_matrix_products_of_the_246_numbers():
    torch.manual_seed(0)
    layer = model.OneHotLinear(3, 7, bias=True)
    torch.nn.init.normal_(layer.bias)
    events = np.array([[1, 13, 3, 62], [0, 2, 7, 1], [1, 0, 15, 0]])
    x = conditioned(events)
    dense = np.zeros((3, INPUT_SIZE), np.float32)
    plain = one_hot_events(events)
    dense[:, :2], dense[:, 51:] = plain[:, :2], plain[:, 2:]
    dense[np.arange(3), 2 + x[:, 1]] = 1  # the chord to come stands before the chord
    expected = torch.from_numpy(dense.ravel()) @ layer.weight + layer.bias
    assert torch.allclose(layer(torch.from_numpy(x)[None])[0], expected, atol=1e-6)


def test_the_lstm_is_pytorchs_with_a_forget_bias_of_one():
    torch.manual_seed(0)
    own = model.Recurrent(6, 5, 2, keep=1.0)
    other = torch.nn.LSTM(6, 5, 2, batch_first=True)
    for layer in range(2):
        getattr(other, f"weight_ih_l{layer}").data = own.input_weights[layer].data.T
        getattr(other, f"weight_hh_l{layer}").data = own.recurrent[layer].data.T
        getattr(other, f"bias_ih_l{layer}").data = own.biases[layer].data
        getattr(other, f"bias_hh_l{layer}").data.zero_()
    x = torch.randn(3, 9, 6)
    ours, states = own(x)
    theirs, (h, c) = other(x)
    assert torch.allclose(ours, theirs, atol=1e-6)
    assert torch.allclose(states[1][0], h[1], atol=1e-6)
    assert torch.allclose(states[1][1], c[1], atol=1e-6)
    assert own.biases[0].tolist() == [0] * 5 + [1] * 5 + [0] * 10


def test_attention_follows_its_equations_and_looks_back_32_outputs():
    torch.manual_seed(0)
    own = make_network(Config(1, frame=1, hidden=6, layers=1)).eval()
    x = torch.randint(0, 2, (1, 40, 5))
    with torch.no_grad():
        projected, state, past, r = own.in_x(x[:, :, None]), None, [torch.zeros(6)] * 32, torch.zeros(6)
        h = c = torch.zeros(6)
        for t in range(40):
            z = projected[0, t] + own.in_r.weight @ r
            gates = z @ own.cell.input_weights[0] + own.cell.biases[0] + h @ own.cell.recurrent[0]
            i, f, g, o = gates.chunk(4)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            query = own.query.weight @ torch.cat([c, h])
            scores = torch.stack([own.score @ torch.tanh(own.keys.weight @ each + query) for each in past])
            r = (scores.softmax(0)[:, None] * torch.stack(past)).sum(0)
            out = own.out.weight @ torch.cat([h, r]) + own.out.bias
            past = [*past[1:], out]
        logits, state = own.over_time(x)
        assert torch.allclose(own.heads(out).pitch, logits.pitch[0, -1], atol=1e-5)
        assert state["past"].shape == (1, 32, 6)


def test_losses_of_uniform_logits_and_their_gradient():
    zero = [torch.zeros(2, 5, k, requires_grad=True) for k in (2, 16, 130)]
    x = torch.stack([torch.randint(0, k, (2, 5)) for k in (2, 49, 49, 16, 130)], -1)
    losses = event_losses(Logits(*zero), x)
    values = [each.item() for each in (losses.pitch, losses.duration, losses.bar, losses.total)]
    assert values == pytest.approx([4.8675, 2.7726, 0.6931, 2.9867], abs=1e-4)
    losses.total.backward()
    truth = torch.nn.functional.one_hot(x[..., 4], 130).float()
    assert torch.allclose(zero[2].grad, 0.4 * (1 / 130 - truth) / 10, atol=1e-7)


@pytest.mark.parametrize(("bad", "words"), [({"tiers": 4}, "tiers"), ({"big_frame": 16, "frame": 5}, "divide")])
def test_impossible_sizes_are_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        Config(**bad)
    with pytest.raises(ValueError, match="multiple of 16"):
        network("3t")(torch.zeros(1, 40, 5, dtype=torch.long), torch.zeros(1, 40, dtype=torch.long))


# Sampling


def test_cold_sampling_takes_the_largest_and_warm_sampling_follows_the_softmax():
    logits = torch.tensor([[1.0, 0.0, -1.0, 0.5, -3.0]])
    cold = generation.probabilities(logits, 0.0, 0, 1.0)
    assert cold.tolist() == [[1, 0, 0, 0, 0]]
    warm = generation.probabilities(logits, 1.0, 0, 1.0)[0]
    draws = torch.Generator().manual_seed(0)
    counts = torch.bincount(torch.multinomial(warm, 10_000, replacement=True, generator=draws), minlength=5)
    expected = logits.softmax(-1)[0] * 10_000
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert chi_square < 18.5  # 0.1 % point with 4 degrees of freedom
    assert torch.allclose(generation.probabilities(logits, 0.5, 0, 1.0), (2 * logits).softmax(-1))


def test_top_k_and_top_p_keep_the_likeliest():
    logits = torch.log(torch.tensor([[0.4, 0.3, 0.2, 0.1]]))
    assert generation.probabilities(logits, 1.0, 2, 1.0)[0].tolist() == pytest.approx([4 / 7, 3 / 7, 0, 0])
    assert generation.probabilities(logits, 1.0, 0, 0.65)[0].tolist() == pytest.approx([4 / 7, 3 / 7, 0, 0])
    assert generation.probabilities(logits, 1.0, 0, 0.05)[0].tolist() == [1, 0, 0, 0]


SHEET = load_sheets(CHORALES)[3]


def one(name, seed=0, request=None, **sampling):
    own = network(name)
    request = request or request_of(SHEET, own.config.first)
    return finished(generate(own, [request], Sampling(**sampling), seed=seed))[0]


@EVERY
def test_the_same_seed_gives_the_same_song_and_another_seed_another(name):
    first, again, other = (one(name, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.events, again.events)
    assert not np.array_equal(first.events, other.events)
    assert first.sheet().length == SHEET.length


@EVERY
def test_the_primer_is_kept_and_chords_are_the_given_ones_at_their_time(name):
    made = one(name)
    given = encode(SHEET)[: made.given]
    assert np.array_equal(made.own_events[: len(given)], given)
    assert np.array_equal(made.sheet().chords, SHEET.chords)
    starts = np.cumsum(made.own_events[:, 2] + 1) - made.own_events[:, 2] - 1
    ends = starts + made.own_events[:, 2]
    assert (starts // 16 == ends // 16).all()


def test_by_index_every_event_has_the_chord_of_its_number():
    made = one("3t+a", by_time=False)
    truth = encode(SHEET)
    assert len(made.events) == len(truth)
    assert np.array_equal(made.events[:, 1], truth[:, 1])


def test_a_short_or_empty_primer_is_padded_with_bars_of_rest():
    for seed in (np.zeros((0, 4), np.int64), encode(SHEET)[:3]):
        made = one("3t+a", request=Request(seed, SHEET.chords, SHEET.length))
        assert made.pad == 16 - len(seed)
        assert (made.events[: made.pad, 2:] == (15, 0)).all()
        assert np.array_equal(made.own_events[: len(seed)], seed)
        assert made.sheet().length == SHEET.length


def test_kept_bars_come_back_note_for_note_and_forced_pitches_are_taken():
    from plugins.cm_hrnn.experiments.playing import kept_events

    own = network("3t+a+rs")
    request = Request(encode(SHEET)[:16], SHEET.chords, SHEET.length, kept=kept_events(SHEET, [7, 9]))
    made = finished(generate(own, [request], seed=3))[0].sheet()
    for bar in (7, 9):
        inside = lambda s: s.notes[(s.notes[:, 0] >= 16 * bar) & (s.notes[:, 0] < 16 * bar + 16)]  # noqa: B023, E731
        assert np.array_equal(inside(made)[1:, [0, 2]], inside(SHEET)[1:, [0, 2]])
    free = finished(generate(own, [request_of(SHEET, 16)], seed=3))[0]
    starts = np.cumsum(free.own_events[:, 2] + 1) - free.own_events[:, 2] - 1
    time = int(starts[20])
    request = Request(encode(SHEET)[:16], SHEET.chords, SHEET.length, forced={time: 2 + 72})
    forced = finished(generate(own, [request], seed=3))[0]
    assert np.array_equal(forced.own_events[:20], free.own_events[:20])
    assert forced.own_events[20, 3] == 74


def test_a_copied_summary_changes_what_follows_it_and_nothing_before():
    own = network("3t+a+rs")
    request = request_of(SHEET, 16)
    plain = finished(generate(own, [request], seed=5))[0]
    copied = finished(generate(own, [Request(request.seed, request.chords, request.length, copies={1: 0})], seed=5))[0]
    tick = int(plain.ticks[0][0][1])
    assert np.array_equal(plain.events[:tick], copied.events[:tick])
    stepper, x = Stepper(own, 1, copies={1: 0}), torch.from_numpy(conditioned(plain.events))
    with torch.no_grad():
        for t in range(40):
            stepper.push(x[t : t + 1])
    assert torch.equal(stepper._summaries[1], stepper._summaries[0])


@pytest.mark.parametrize("ablation", generation.ABLATIONS[1:])
def test_an_ablation_takes_its_tier_away(ablation, song):
    x, a = song
    own = network("3t+a")
    plain, cut = Stepper(own, 1), Stepper(own, 1, ablation=ablation)
    differs = []
    with torch.no_grad():
        for t in range(64):
            if t >= 16:
                differs.append(not torch.equal(plain.logits(a[:, t]).pitch, cut.logits(a[:, t]).pitch))
            plain.push(x[:, t])
            cut.push(x[:, t])
    assert any(differs)
    if ablation.startswith("freeze"):
        assert not any(differs[:4])  # what is frozen is what was said first


def test_late_chords_are_what_the_published_script_feeds_its_baselines(monkeypatch):
    seen = {}
    for late in (False, True):
        pushed = []
        plain = Stepper.push
        monkeypatch.setattr(
            Stepper, "push", lambda self, x, p=plain, kept=pushed: (kept.append(x.clone()), p(self, x))[1]
        )
        one("attention", by_time=False, late_chords=late)
        monkeypatch.setattr(Stepper, "push", plain)
        seen[late] = torch.cat(pushed)[:, 1:3]
    assert torch.equal(seen[True][2:], seen[False][1:-1])


def test_songs_in_lockstep_are_the_same_as_alone_when_cold():
    sheets = load_sheets(CHORALES)[3:7]
    own = network("3t+a+rs")
    requests = [request_of(sheet, 16) for sheet in sheets]
    together = finished(generate(own, requests, Sampling(0, 0, 0)))
    for request, made in zip(requests, together, strict=True):
        alone = finished(generate(own, [request], Sampling(0, 0, 0)))[0]
        assert np.array_equal(alone.events, made.events)
    with pytest.raises(ValueError, match="nothing"):
        finished(generate(own, []))


def test_snapping_sets_every_bar_flag_from_the_time():
    made = one("3t", snap=True).own_events
    starts = np.cumsum(made[:, 2] + 1) - made[:, 2] - 1
    assert np.array_equal(made[:, 0] == 1, starts % 16 == 0)


def test_likelihoods_of_a_song_do_not_depend_on_how_they_are_computed(song):
    events = encode(SHEET)
    for name in ("3t+a+rs", "attention"):
        own = network(name)
        logits, first = generation.scored(own, events)
        assert len(logits.pitch) == len(events) - first
        stepped = generation.scored(own, events, 0, "none" if name == "attention" else "freeze nothing")[0]
        assert torch.allclose(logits.pitch, stepped.pitch, atol=1e-5)
    short, first = generation.scored(network("3t+a"), events[:5], 16)
    assert len(short.pitch) == 5 + 16 - first
    assert math.isfinite(float(short.pitch.sum()))
    assert len(generation.scored(network("3t+a"), events[:5])[0].pitch) == 0


def test_sampled_events_make_a_lead_sheet_again():
    made = one("vanilla", pitch=2.0, duration=2.0, bar=2.0)
    sheet = decode(made.own_events)
    assert decode(encode(sheet)).equals(sheet)
    assert lead_sheet(sheet.notes, sheet.chords, sheet.length).equals(sheet)


def test_time_beyond_a_bar_is_clamped_and_counted_as_a_fault(monkeypatch):
    heard = []

    def never_a_bar(self, a):
        heard.append(int(a[0]))
        likely = lambda size, index: torch.nn.functional.one_hot(torch.tensor([index]), size).float()  # noqa: E731
        return Logits(likely(2, 0), likely(16, 7), likely(130, 62))

    monkeypatch.setattr(Stepper, "logits", never_a_bar)
    made = one("3t+a", by_time=False, pitch=0.0, duration=0.0, bar=0.0)
    elapsed = 0
    for event in made.events[: made.given].tolist():
        elapsed = event[2] + 1 + (0 if event[0] else elapsed)
    times = elapsed + 8 * np.arange(len(heard))
    assert made.clamped == (times > 16).sum() > 3
    assert heard == (np.minimum(times, 16) - 1).tolist()
