"""Files for other programs: weights, arrays, reports. No Qt."""
