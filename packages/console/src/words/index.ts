import { en } from './en.ts'

/** Every word that the pages say. A translation has the same shape. */
export type Words = typeof en

export const words: Words = en
