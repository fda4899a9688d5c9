/** A decoder thread that takes all the memory it can get. */
const hoard: number[][] = []
for (;;) hoard.push(Array.from({ length: 100_000 }, (_, i) => i))
