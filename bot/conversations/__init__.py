"""The conversation engine: pure, with times, ids and texts passed in. What decides lives here; what does, elsewhere."""
