/** Bounds of a module, each on what a few of its bytes can make the engine, or our own decoder, take. */
export const MODULE_LIMITS = {
  /** Bytes as its owner gives it. */
  moduleBytes: 32 * 1024 * 1024,
  /** Bytes once it is metered: code of nothing but branches grows ninefold. */
  meteredBytes: 192 * 1024 * 1024,
  /** Bytes of one metered body; V8 takes 7654321. */
  bodyBytes: 7_500_000,
  types: 50_000,
  /** Of a function type, parameters and results each. */
  values: 1000,
  imports: 1000,
  functions: 200_000,
  tables: 16,
  globals: 100_000,
  exports: 100_000,
  /** Segments of elements, and segments of data. */
  segments: 50_000,
  /** In one segment. */
  elements: 1_000_000,
  /** Of one function, its parameters not counted. */
  locals: 40_000,
  /** Blocks within blocks of one function. */
  depth: 10_000,
  /** Labels of one `br_table`. */
  labels: 65_000,
  customSections: 1000,
  /** Bytes of a name. */
  name: 100_000,
} as const

/** Elements of all tables together, whatever they grow to. */
export const MAX_TABLE_ELEMENTS = 1_000_000

/** Bytes of a page of memory. */
export const PAGE_BYTES = 65_536
/** Pages that 32 bits address. */
export const MAX_PAGES = 65_536
