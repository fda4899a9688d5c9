/**
 * Inputs that were findings once. They are read again before all others. A seed with a number makes its input
 * again as long as mutations and valid inputs stay as they are; where one matters, it has a test of its own.
 */
export const KEPT: readonly { target: string; seed: number; index: number; was: string }[] = []
