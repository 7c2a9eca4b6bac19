"""CPU time per request of each process on the way of a request, beside nginx's in the same run."""
