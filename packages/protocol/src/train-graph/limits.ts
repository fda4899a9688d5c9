/** Elements of one value: 4 GiB as floats. Shapes come from the owner's graph, and every one is bounded by this. */
export const MAX_VALUE_ELEMENTS: number = 2 ** 30

/** Nodes of a train graph: backward and clipping add about ten for each of the forward. */
export const MAX_GRAPH_NODES = 500_000

/** Elements of a constant that is computed while a graph is built: enough for shapes and positions. */
export const MAX_FOLDED = 4096

/** Examples that one run of a graph takes. */
export const MAX_MICRO_BATCH = 1_048_576

/** Norms in single precision are exact enough to clip at, with squares far from the smallest and the largest number. */
export const MIN_CLIP = 1e-9
export const MAX_CLIP = 1e9
