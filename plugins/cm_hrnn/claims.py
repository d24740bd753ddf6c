"""The paper's statements and checks of this implementation, as claims that can be run.

The paper's tables could not be read for this workbench, so no number of theirs stands here; where the authors'
published demo songs were measured instead, it says so.
"""

from __future__ import annotations

from plugins.cm_hrnn import claims_checks as checks
from plugins.cm_hrnn import claims_pair as pairs
from plugins.cm_hrnn.claims_music import on_imported

lossless = checks.lossless
overfit = checks.overfit
accumulated_time = checks.accumulated_time
compression = pairs.compression
tension = pairs.tension_is_lower
structure = pairs.structure
chords = checks.chords
slow_tiers = checks.slow_tiers
temperature = checks.temperature

SHARED = "about 25 minutes, shared by three claims"
lossless_imported = on_imported(checks.lossless, "a few seconds, and a minute to convert the files once")
accumulated_time_imported = on_imported(checks.accumulated_time, "about 9 minutes")
compression_imported = on_imported(pairs.compression, SHARED)
tension_imported = on_imported(pairs.tension_is_lower, SHARED)
structure_imported = on_imported(pairs.structure, SHARED)
chords_imported = on_imported(checks.chords, "about 6 minutes")
slow_tiers_imported = on_imported(checks.slow_tiers, "about 4 minutes")
temperature_imported = on_imported(checks.temperature, "about 4 minutes")
