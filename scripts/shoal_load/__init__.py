"""What scripts/loadtest is made of, besides the generator itself: launching it, and pages of its results."""
