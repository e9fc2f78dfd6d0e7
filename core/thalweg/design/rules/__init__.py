"""The rules that a sound design follows, one module a subject. Each has `problems(draft)`, which yields breaches."""
