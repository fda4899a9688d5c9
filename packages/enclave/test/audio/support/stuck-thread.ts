/** A decoder thread that never says anything, and never rests. */
for (;;) Math.random()
