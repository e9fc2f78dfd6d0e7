"""Stage 1 of rating: from cumulative quantities to each payer's charge. Reading order: see README.md."""
